import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { must } from "../tests/vm/product.ts";
import type { BenchContext } from "./context.ts";
import { measurePairs, type Result, resultOf } from "./statistics.ts";

const defaultPairs = 6;
const limit = 1.1;
const works = ["git-status", "npm-ci", "untar"] as const;
const environmentName = "files";
/** Below the working copy, and beside it on the same disk. */
const insideFolder = "/workspaces/node-web/.bench";
const bareFolder = "/data/bench/files";
const asWorkUser = ["setpriv", "--reuid=berth", "--regid=berth", "--init-groups", "env", "HOME=/home/berth"];

/** File work in a working copy, in its dev container as its user, against the same on the same disk in the bare machine. */
export async function files({ product, samplesFolder, pairs, say }: BenchContext): Promise<Result[]> {
  const script = await readFile(join(import.meta.dirname, "inside/files.mjs"));
  say("creating an environment and filling both folders");
  must(product.create(join(samplesFolder, "node-web"), environmentName));
  must(product.berthWithInput(script, "exec", environmentName, "--", "sh", "-c", "cat > /tmp/files.mjs"));
  must(
    product.berthWithInput(
      script,
      "machine",
      "shell",
      "--",
      "sh",
      "-c",
      "mkdir -p /data/bench && chown 1000:1000 /data/bench && cat > /data/bench/files.mjs",
    ),
  );
  // The machine itself has no npm: the container's own is run by the machine's Node, which is the same one.
  must(
    product.machine(
      "sh",
      "-c",
      `docker cp "$(docker ps --quiet --filter "label=berth.environment" | head -n 1)":/usr/local/lib/node_modules/npm /data/bench/npm && chown -R 1000:1000 /data/bench`,
    ),
  );
  const inside = (action: string): string =>
    must(
      product.berth(
        "exec",
        environmentName,
        "--",
        "node",
        "/tmp/files.mjs",
        action,
        insideFolder,
        "/usr/local/lib/node_modules/npm/bin/npm-cli.js",
      ),
    ).stdout;
  const bare = (action: string): string =>
    must(product.machine(...asWorkUser, "node", "/data/bench/files.mjs", action, bareFolder, "/data/bench/npm/bin/npm-cli.js")).stdout;
  try {
    for (const side of [inside, bare]) {
      side("prepare");
      // The first run of each reads programs from the disk for both.
      for (const work of works) side(work);
    }
    const results: Result[] = [];
    for (const work of works) {
      const samples = await measurePairs(
        pairs ?? defaultPairs,
        async () => Number(inside(work)),
        async () => Number(bare(work)),
        (text) => say(`${work}, ${text}`),
      );
      results.push(resultOf(`files.${work}`, "s", samples, limit));
    }
    return results;
  } finally {
    product.berth("delete", environmentName, "--force");
    product.machine("rm", "-rf", "/data/bench");
  }
}
