import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { writeFileAtomically } from "../../lib/atomic-file.ts";

/** More configurations than one machine sees; the oldest are forgotten. */
const maxKnown = 500;

/**
 * Remembers configurations whose image gave their user the work user's number by itself. It is a hint: an image may
 * change without its configuration, so whoever acts on it looks at the container afterwards.
 */
export class KnownUsers {
  readonly #path: string;
  #hashes: Promise<Set<string>> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async has(configHash: string): Promise<boolean> {
    return (await this.#read()).has(configHash);
  }

  async add(configHash: string): Promise<void> {
    const hashes = await this.#read();
    if (hashes.has(configHash)) return;
    hashes.add(configHash);
    for (const oldest of hashes) {
      if (hashes.size <= maxKnown) break;
      hashes.delete(oldest);
    }
    await this.#save(hashes);
  }

  async remove(configHash: string): Promise<void> {
    const hashes = await this.#read();
    if (hashes.delete(configHash)) await this.#save(hashes);
  }

  async #read(): Promise<Set<string>> {
    this.#hashes ??= readFile(this.#path, "utf8")
      .then((text) => new Set(z.array(z.string()).parse(JSON.parse(text))))
      .catch(() => new Set());
    return this.#hashes;
  }

  /** A full disk costs the hint alone. */
  async #save(hashes: ReadonlySet<string>): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true })
      .then(async () => writeFileAtomically(this.#path, JSON.stringify([...hashes])))
      .catch(() => undefined);
  }
}
