import { readFile, rm, stat } from "node:fs/promises";
import { z } from "zod";
import { BerthError } from "../contract/berth-error.ts";
import { writeFileAtomically } from "../lib/atomic-file.ts";
import { isErrno } from "../lib/errno.ts";
import { parseJson } from "../lib/parse-json.ts";

const storedSchema = z.object({
  version: z.literal(1),
  planeUrl: z.string(),
  organizationId: z.string(),
  accountId: z.string(),
  name: z.string(),
  /** Empty: the access token is a personal one, which nothing renews. */
  refreshToken: z.string(),
  /** Proves to the plane that a refresh is the same as one whose answer was lost. */
  refreshAttempt: z.string().optional(),
  accessToken: z.string(),
  accessTokenExpiresAtMs: z.number(),
});

/** A sign-in to one plane, as it is kept. */
export type StoredSignIn = z.infer<typeof storedSchema>;

export interface TokenStore {
  /** Why nothing outlives the process; absent where it does. Shown to the person. */
  sessionOnlyBecause(): Promise<string | undefined>;
  load(): Promise<StoredSignIn | undefined>;
  /** Returns when it is durable. */
  save(signIn: StoredSignIn): Promise<void>;
  clear(): Promise<void>;
}

/** A file of mode 0600: for computers without a keychain that anybody has unlocked. */
export class FileTokenStore implements TokenStore {
  readonly #path: string;
  readonly #sealedPath: string | undefined;

  /** `sealedPath` is where a process with a keychain keeps the same sign-in. */
  constructor(path: string, sealedPath?: string) {
    this.#path = path;
    this.#sealedPath = sealedPath;
  }

  sessionOnlyBecause(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async load(): Promise<StoredSignIn | undefined> {
    const text = await readIfThere(this.#path);
    if (text === undefined) {
      if (this.#sealedPath !== undefined && (await readIfThere(this.#sealedPath)) !== undefined)
        throw new BerthError("sign-in-required", "the desktop app keeps the sign-in sealed; open the app, or sign in here anew");
      return undefined;
    }
    const { mode } = await stat(this.#path);
    if (process.platform !== "win32" && (mode & 0o077) !== 0)
      throw new BerthError("sign-in-required", `${this.#path} can be read by others; remove it and sign in again`);
    return parsed(text.toString("utf8"));
  }

  save(signIn: StoredSignIn): Promise<void> {
    return writeFileAtomically(this.#path, JSON.stringify(signIn), 0o600);
  }

  async clear(): Promise<void> {
    await rm(this.#path, { force: true });
    if (this.#sealedPath !== undefined) await rm(this.#sealedPath, { force: true });
  }
}

/** A keychain of the system, asynchronous as Electron's `safeStorage` is; it lives in another process. */
export interface Keychain {
  isAvailable(): Promise<boolean>;
  /** Electron's name for what is behind it; on Linux it may be `basic_text`, which seals with a key that everybody knows. */
  backend(): Promise<string>;
  seal(text: string): Promise<Uint8Array>;
  open(sealed: Uint8Array): Promise<string>;
}

/** Backends that keep no secret, or are not known yet. */
const openBackends: ReadonlySet<string> = new Set(["basic_text", "unknown"]);

/** A file that the system's keychain has sealed; where there is none the sign-in lives as long as the process (S5). */
export class SealedTokenStore implements TokenStore {
  readonly #keychain: Keychain;
  readonly #path: string;
  #unkept: StoredSignIn | undefined;

  constructor(keychain: Keychain, path: string) {
    this.#keychain = keychain;
    this.#path = path;
  }

  async sessionOnlyBecause(): Promise<string | undefined> {
    const backend = await this.#keychain.backend();
    if (openBackends.has(backend)) return `this computer has no keychain that keeps secrets (${backend})`;
    return (await this.#keychain.isAvailable()) ? undefined : "this computer's keychain is not available";
  }

  async load(): Promise<StoredSignIn | undefined> {
    if ((await this.sessionOnlyBecause()) !== undefined) return this.#unkept;
    const sealed = await readIfThere(this.#path);
    if (sealed === undefined) return undefined;
    try {
      return parsed(await this.#keychain.open(sealed));
    } catch {
      // Sealed by another keychain: asked for again.
      return undefined;
    }
  }

  async save(signIn: StoredSignIn): Promise<void> {
    if ((await this.sessionOnlyBecause()) === undefined) {
      await writeFileAtomically(this.#path, await this.#keychain.seal(JSON.stringify(signIn)), 0o600);
      return;
    }
    this.#unkept = signIn;
    // What an unlocked keychain once kept is not this sign-in.
    await rm(this.#path, { force: true });
  }

  async clear(): Promise<void> {
    this.#unkept = undefined;
    await rm(this.#path, { force: true });
  }
}

/**
 * Moves a sign-in that a process without a keychain has kept in the clear; it is newer than one that was sealed. To be
 * called before either is used.
 */
export async function takeOverSignIn(clearPath: string, sealed: SealedTokenStore): Promise<void> {
  const clear = new FileTokenStore(clearPath);
  const signIn = await clear.load();
  if (signIn === undefined) return;
  await sealed.save(signIn);
  await clear.clear();
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

function parsed(text: string): StoredSignIn | undefined {
  const result = storedSchema.safeParse(parseJson(text));
  return result.success ? result.data : undefined;
}
