import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../src/lib/log.ts";
import { bundlePrograms, Product } from "../tests/vm/product.ts";
import { type BenchmarkName, parseBenchArguments } from "./arguments.ts";
import { bundle } from "./bundle.ts";
import { cold } from "./cold.ts";
import type { BenchContext } from "./context.ts";
import { create } from "./create.ts";
import { files } from "./files.ts";
import { fork, ten } from "./fork.ts";
import { idle } from "./idle.ts";
import { network } from "./network.ts";
import { machineIdle } from "./machine-idle.ts";
import { reclaim } from "./reclaim.ts";
import { resume } from "./resume.ts";
import type { Result } from "./statistics.ts";
import { formatTable } from "./table.ts";
import { terminal } from "./terminal.ts";
import { wake } from "./wake.ts";
import { window } from "./window.ts";

/** `npm run bench -- [--only NAME] [--json FILE] [--pairs N]`: the table on stdout, progress on stderr. */
const root = join(import.meta.dirname, "..");
const benchmarks: Readonly<Record<BenchmarkName, (context: BenchContext) => Promise<Result[]>>> = {
  cold,
  resume,
  wake,
  fork,
  ten,
  reclaim,
  "machine-idle": machineIdle,
  create,
  files,
  idle,
  network,
  window,
  terminal,
  bundle,
};

/** The others run on a simulated machine or on none. */
const withMachine: ReadonlySet<BenchmarkName> = new Set([
  "cold",
  "resume",
  "wake",
  "fork",
  "ten",
  "reclaim",
  "machine-idle",
  "create",
  "files",
  "idle",
  "network",
]);

function makeImage(): void {
  const made = spawnSync(process.execPath, [join(root, "tools/image/main.ts")], { stdio: ["ignore", 2, 2] });
  if (made.status !== 0) throw new Error("the machine image could not be made");
}

async function main(): Promise<void> {
  const { only, jsonPath, pairs } = parseBenchArguments(process.argv.slice(2));
  if (only.some((name) => withMachine.has(name))) makeImage();
  bundlePrograms();
  const results: Result[] = [];
  const product = new Product();
  try {
    for (const name of only) {
      const say = (text: string): void => void process.stderr.write(`${name}: ${text}\n`);
      const imagesFolder = process.env["BERTH_IMAGES"] ?? join(root, ".cache/images");
      results.push(
        ...(await benchmarks[name]({
          cacheFolder: join(root, ".cache/bench"),
          imagesFolder,
          samplesFolder: join(root, "samples"),
          bundleFolder: join(root, ".cache/app"),
          product,
          pairs,
          say,
        })),
      );
      if (jsonPath !== undefined) await writeFile(jsonPath, `${JSON.stringify(results, undefined, 2)}\n`);
    }
  } finally {
    product.end();
  }
  process.stdout.write(`${formatTable(results)}\n`);
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exit(1);
  },
);
