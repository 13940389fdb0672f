import { join } from "node:path";
import { must } from "../tests/vm/product.ts";
import type { BenchContext } from "./context.ts";
import { measurePairs, type Result, resultOf } from "./statistics.ts";

const defaultPairs = 3;
const limit = 1.15;
const environmentName = "create";
const bareFolder = "/data/bench/node-web";
/** Prints nanoseconds that pass while the CLI, typed in the machine, brings the folder up. */
const timedUp =
  's=$(date +%s%N); devcontainer up --workspace-folder "$1" > /tmp/bench-up.log 2>&1 || { cat /tmp/bench-up.log >&2; exit 1; }; echo $(($(date +%s%N) - s))';

/** `berth create` of the sample until it is ready, against `devcontainer up` typed in the same machine on the same content. */
export async function create({ product, samplesFolder, pairs, say }: BenchContext): Promise<Result[]> {
  const sample = join(samplesFolder, "node-web");
  const ours = async (): Promise<number> => {
    const startedAtMs = performance.now();
    must(product.berth("create", sample, "--name", environmentName));
    const seconds = (performance.now() - startedAtMs) / 1000;
    must(product.berth("delete", environmentName, "--force"));
    return seconds;
  };
  const bare = async (): Promise<number> => {
    product.copyIntoMachine(sample, bareFolder);
    must(product.machine("chown", "-R", "1000:1000", "/data/bench"));
    const up = must(
      product.machine(
        "setpriv",
        "--reuid=berth",
        "--regid=berth",
        "--init-groups",
        "env",
        "HOME=/home/berth",
        "sh",
        "-c",
        timedUp,
        "sh",
        bareFolder,
      ),
    );
    must(
      product.machine(
        "sh",
        "-c",
        'docker rm --force $(docker ps --all --quiet --filter "label=devcontainer.local_folder=$1") && rm -rf /data/bench /tmp/bench-up.log',
        "sh",
        bareFolder,
      ),
    );
    return Number(up.stdout.trim()) / 1e9;
  };
  say("once each, so that the images and build steps of both are cached");
  await ours();
  await bare();
  return [resultOf("create", "s", await measurePairs(pairs ?? defaultPairs, ours, bare, say), limit)];
}
