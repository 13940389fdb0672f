import { readFile } from "node:fs/promises";
import { z } from "zod";
import { writeFileAtomically } from "../atomic-file.ts";
import { parseJson } from "../parse-json.ts";

/** A file changed within this time of being read may change again with the same times: file systems count coarsely. */
const settleMs = 2000;
/** It only spares reading, so what the last minute brought may be lost. */
const saveIntervalMs = 60_000;
const schema = z.array(z.tuple([z.string(), z.string(), z.string()]));

/** Which hash a file had under a stamp, so that a folder in which nothing changed is scanned without reading a file. */
export class HashCache {
  readonly #path: string;
  readonly #now: () => number;
  #known = new Map<string, { readonly stamp: string; readonly hash: string }>();
  #isChanged = false;
  #savedAtMs: number;

  private constructor(path: string, now: () => number) {
    this.#path = path;
    this.#now = now;
    this.#savedAtMs = 0;
  }

  static async open(path: string, now: () => number): Promise<HashCache> {
    const cache = new HashCache(path, now);
    const parsed = schema.safeParse(parseJson(await readFile(path, "utf8").catch(() => "")));
    if (parsed.success) cache.#known = new Map(parsed.data.map(([name, stamp, hash]) => [name, { stamp, hash }]));
    return cache;
  }

  get(path: string, stamp: string): string | undefined {
    const known = this.#known.get(path);
    return known?.stamp === stamp ? known.hash : undefined;
  }

  /** `changedAtMs`: when the file was changed last, by its own times. */
  set(path: string, seen: { readonly stamp: string; readonly hash: string }, changedAtMs: number): void {
    if (changedAtMs + settleMs > this.#now()) return;
    this.#known.set(path, seen);
    this.#isChanged = true;
  }

  /** Forgets all but these and writes it down, when enough has changed. */
  async keep(paths: { has(path: string): boolean }): Promise<void> {
    for (const path of this.#known.keys()) if (!paths.has(path)) this.#known.delete(path);
    if (!this.#isChanged || this.#now() - this.#savedAtMs < saveIntervalMs) return;
    this.#isChanged = false;
    this.#savedAtMs = this.#now();
    const rows = [...this.#known].map(([path, { stamp, hash }]) => [path, stamp, hash]);
    await writeFileAtomically(this.#path, JSON.stringify(rows));
  }
}
