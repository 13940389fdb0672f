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
/**
 * Ends when two seconds passed in which the processors were idle for the most part: the container that was there before
 * is taken down, and its files are written, for a while after its end was told.
 */
const rest =
  "sync; calm=0; for n in $(seq 60); do set -- $(head -n 1 /proc/stat); a=$5; sleep 1; set -- $(head -n 1 /proc/stat); if [ $(($5 - a)) -ge $((70 * $(nproc))) ]; then calm=$((calm + 1)); else calm=0; fi; if [ $calm -ge 2 ]; then exit 0; fi; done; exit 1";

/** `berth create` of the sample until it is ready, against `devcontainer up` typed in the same machine on the same content. */
export async function create({ product, samplesFolder, pairs, say }: BenchContext): Promise<Result[]> {
  const sample = join(samplesFolder, "node-web");
  const createAndDelete = (): number => {
    const startedAtMs = performance.now();
    must(product.berth("create", sample, "--name", environmentName));
    const seconds = (performance.now() - startedAtMs) / 1000;
    must(product.berth("delete", environmentName, "--force"));
    return seconds;
  };
  const ours = async (): Promise<number> => {
    must(product.machine("sh", "-c", rest));
    return createAndDelete();
  };
  const bare = async (): Promise<number> => {
    product.copyIntoMachine(sample, bareFolder);
    must(product.machine("chown", "-R", "1000:1000", "/data/bench"));
    must(product.machine("sh", "-c", rest));
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
  createAndDelete();
  await bare();
  return [resultOf("create", "s", await measurePairs(pairs ?? defaultPairs, ours, bare, say), limit)];
}
