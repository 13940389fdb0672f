import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { BenchContext } from "./context.ts";
import { type Result, resultOf } from "./statistics.ts";

const budgetKilobytes = 600;
/** What is loaded with the first terminal, which is xterm.js for the most part. */
const terminalPart = /^terminal-/;

/** What a browser loads before it shows anything, compressed. */
export async function bundle({ bundleFolder }: BenchContext): Promise<Result[]> {
  const assets = join(bundleFolder, "renderer/assets");
  const names = readdirSync(assets).filter((name) => /\.(js|css)$/.test(name) && !terminalPart.test(name));
  const bytes = names.map((name) => gzipSync(readFileSync(join(assets, name))).length).reduce((sum, one) => sum + one, 0);
  return [resultOf("window.bundle", "kB", { ours: [bytes / 1000], baseline: [budgetKilobytes] }, 1)];
}
