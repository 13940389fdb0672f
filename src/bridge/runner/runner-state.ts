import { readFile } from "node:fs/promises";
import { z } from "zod";
import { BerthError } from "../../contract/berth-error.ts";
import { writeFileAtomically } from "../../lib/atomic-file.ts";
import { isErrno } from "../../lib/errno.ts";
import { keyBytes, type KeyPair } from "../../lib/sealed-box.ts";

const key = z
  .base64()
  .transform((text): Uint8Array => Buffer.from(text, "base64"))
  .refine((bytes) => bytes.length === keyBytes);

const stateSchema = z.object({
  version: z.literal(1),
  planeUrl: z.url(),
  publicKey: key,
  privateKey: key,
  /** Undefined until the exchange token was used. */
  accessToken: z.string().min(1).optional(),
});

/** What makes a computer a runner; whoever has it is that runner. */
export interface RunnerState {
  readonly planeUrl: string;
  readonly keyPair: KeyPair;
  readonly accessToken: string | undefined;
}

export interface RunnerStateStore {
  /** Undefined where none was saved. Fails with `setting-invalid` for a file that is none of ours. */
  load(): Promise<RunnerState | undefined>;
  save(state: RunnerState): Promise<void>;
}

/** The state as a file of mode 0600. */
export function fileRunnerState(path: string): RunnerStateStore {
  return {
    load: async () => {
      const text = await readFile(path, "utf8").catch((error: unknown) => {
        if (isErrno(error, "ENOENT")) return undefined;
        throw error;
      });
      return text === undefined ? undefined : parseState(text, path);
    },
    save: async ({ planeUrl, keyPair, accessToken }) => {
      const encoded = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
      const { publicKey, privateKey } = keyPair;
      const file: z.input<typeof stateSchema> = {
        version: 1,
        planeUrl,
        publicKey: encoded(publicKey),
        privateKey: encoded(privateKey),
        ...(accessToken === undefined ? {} : { accessToken }),
      };
      await writeFileAtomically(path, `${JSON.stringify(file, undefined, 2)}\n`, 0o600);
    },
  };
}

function parseState(text: string, path: string): RunnerState {
  try {
    const { planeUrl, publicKey, privateKey, accessToken } = stateSchema.parse(JSON.parse(text));
    return { planeUrl, keyPair: { publicKey, privateKey }, accessToken };
  } catch {
    // The reason would quote the file, and with it its secrets.
    throw new BerthError("setting-invalid", `${path} is not the state of a runner`);
  }
}
