import { createClient } from "@connectrpc/connect";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HostService } from "../../src/contract/gen/berth/v1/host_pb.js";
import { HostSessions, hostTransport } from "../../src/lib/host-transport.ts";
import { berthPaths } from "../../src/lib/paths.ts";
import { bundlePrograms, must, Product } from "./product.ts";

/** How many; fewer for a quick look. */
const rounds = Number(process.env["BERTH_ROUNDS"] ?? 200);
const roundsPerTest = 20;
const maxDriftMs = 1000;
const memoryBytes = 1024 ** 3;
const name = "sleeper";
const product = new Product();
const acknowledged: string[] = [];
let hostPid = 0;
let atFirst: ReturnType<typeof footprint> | undefined;

/** What a machine leaves on this computer: files of its folders, and what the host holds open. */
function footprint() {
  const machine = join(product.home, "machines/default");
  return {
    files: readdirSync(machine, { recursive: true }).map(String).toSorted(),
    openFiles: readdirSync(`/proc/${hostPid}/fd`).length,
    processes: processesOf(product.home),
  };
}

/** Names of the programs that have this folder in their arguments. */
function processesOf(folder: string): string[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        const [program = "", ...args] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return args.some((arg) => arg.includes(folder)) ? [program.split("/").at(-1) ?? ""] : [];
      } catch {
        return [];
      }
    })
    .toSorted();
}

const inside = (command: string): string => must(product.berth("exec", name, "--", "sh", "-c", command)).stdout.trim();

beforeAll(async () => {
  bundlePrograms();
  mkdirSync(product.home, { recursive: true });
  writeFileSync(join(product.home, "settings.json"), JSON.stringify({ memoryBytes, machineIdleMinutes: 0 }));
  const folder = join(product.folder, name);
  mkdirSync(folder);
  writeFileSync(join(folder, "readme.txt"), "sleeps\n");
  must(product.berth("create", folder, "--name", name));
  hostPid = (await createClient(HostService, hostTransport(new HostSessions(berthPaths(product.env).apiSocket))).getHost({})).pid;
});

afterAll(() => product.end());

for (let first = 1; first <= rounds; first += roundsPerTest) {
  const last = Math.min(rounds, first + roundsPerTest - 1);
  test(`rounds ${first} to ${last} of suspend and wake lose no file, no second and nothing on this computer`, () => {
    for (let round = first; round <= last; round++) {
      // Not synced: what the guest only holds in memory must survive too.
      inside(`echo ${round} > round-${round} && mkdir -p tree/${round} && head -c 100000 /dev/urandom > tree/${round}/data`);
      acknowledged.push(String(round));
      must(product.berth("machine", "suspend"));
      expect(processesOf(product.home).filter((program) => /qemu|passt/.test(program))).toEqual([]);
      const askedAtMs = Date.now();
      const insideMs = Number(inside("date +%s%3N"));
      // Waking is a part of asking, so the answer may be of any moment of it.
      const driftMs = Math.max(askedAtMs - insideMs, insideMs - Date.now());
      expect(driftMs, `the clock in round ${round}`).toBeLessThan(maxDriftMs);
    }
    expect(inside("cat $(ls -v round-*) | tr '\\n' ' '").split(" ")).toEqual(acknowledged);
    expect(inside("ls tree | wc -l")).toBe(String(acknowledged.length));
    atFirst ??= footprint();
    const now = footprint();
    expect(now.files).toEqual(atFirst.files);
    expect(now.processes).toEqual(atFirst.processes);
    expect(now.openFiles).toBeLessThanOrEqual(atFirst.openFiles + 2);
  });
}
