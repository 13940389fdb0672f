import { readFile, rm } from "node:fs/promises";
import { writeFileAtomically } from "../lib/atomic-file.ts";

/** The part of Electron's safeStorage in use. */
export interface Keychain {
  isEncryptionAvailable(): boolean;
  getSelectedStorageBackend?(): string;
  encryptString(text: string): Buffer;
  decryptString(sealed: Buffer): string;
}

/** `basic_text` seals with a key that everybody knows; before it is known which one it is, it may be that. */
const openBackends: ReadonlySet<string> = new Set(["basic_text", "unknown"]);

/** One secret, sealed by the system's keychain in a file; without a keychain it lives as long as the app. */
export class SafeStore {
  readonly #keychain: Keychain;
  readonly #path: string;
  readonly #platform: NodeJS.Platform;
  #value: string | undefined;

  constructor(keychain: Keychain, path: string, platform: NodeJS.Platform) {
    this.#keychain = keychain;
    this.#path = path;
    this.#platform = platform;
  }

  /** Whether a secret outlives the app. */
  get keeps(): boolean {
    if (!this.#keychain.isEncryptionAvailable()) return false;
    return this.#platform !== "linux" || !openBackends.has(this.backend);
  }

  /** What keeps secrets; only on Linux are there several. */
  get backend(): string {
    return this.#platform === "linux" ? (this.#keychain.getSelectedStorageBackend?.() ?? "unknown") : this.#platform;
  }

  /** The secret; empty when there is none, or none that this person's keychain opens. */
  async get(): Promise<string> {
    if (this.#value === undefined) {
      this.#value = "";
      if (this.keeps) {
        try {
          this.#value = this.#keychain.decryptString(await readFile(this.#path));
        } catch {
          // Sealed by another keychain, or never there: asked for again.
        }
      }
    }
    return this.#value;
  }

  /** Keeps a secret, or removes it when it is empty; says whether it outlives the app. */
  async set(value: string): Promise<boolean> {
    this.#value = value;
    if (value === "" || !this.keeps) {
      await rm(this.#path, { force: true });
      return false;
    }
    await writeFileAtomically(this.#path, this.#keychain.encryptString(value));
    return true;
  }
}
