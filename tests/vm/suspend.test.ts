import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { z } from "zod";
import { isSameProcess } from "../../src/lib/process-identity.ts";
import { waitUntil } from "../../src/lib/wait-until.ts";
import { must, Product } from "./product.ts";

const product = new Product(inject("productFolder"));
const name = "rests";
const machineFolder = join(product.home, "machines/default");
const maxDriftMs = 1000;
const forwardTimeoutMs = 60_000;

const shownSchema = z.object({ forwards: z.array(z.object({ containerPort: z.number(), hostPort: z.number() })) });

const inside = (command: string): string => must(product.berth("exec", name, "--", "sh", "-c", command)).stdout.trim();

function status(): Readonly<Record<string, unknown>> {
  return JSON.parse(must(product.berth("machine", "status", "--json")).stdout) as Readonly<Record<string, unknown>>;
}

function suspend(): void {
  must(product.berth("machine", "suspend"));
  expect(status()).toMatchObject({ state: "suspended", usedMemoryBytes: 0 });
  const process = JSON.parse(readFileSync(join(machineFolder, "qemu.json"), "utf8")) as { pid: number; startTicks: number };
  expect(isSameProcess(process)).toBe(false);
}

beforeAll(() => {
  const folder = join(product.folder, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  writeFileSync(join(folder, "kept.txt"), "kept\n");
  must(product.create(folder, name));
  const server = 'let n = 0; require("http").createServer((q, r) => r.end(String(++n))).listen(4790, "127.0.0.1")';
  must(product.ssh(name, `nohup node -e '${server}' > /dev/null 2>&1 & until curl -s localhost:4790; do sleep 0.2; done`));
});

afterAll(() => void product.berth("delete", name, "--force"));

test("a connection to a forwarded port wakes the machine, and the server answers with what it remembers", async () => {
  const before = inside("cat /proc/sys/kernel/random/boot_id; pgrep -f 4790 | head -n 1");
  let hostPort = 0;
  const isForwarded = (): boolean => {
    const { forwards } = shownSchema.parse(product.show(name));
    hostPort = forwards.find(({ containerPort }) => containerPort === 4790)?.hostPort ?? 0;
    return hostPort !== 0;
  };
  expect(await waitUntil(isForwarded, { intervalMs: 200, signal: AbortSignal.timeout(forwardTimeoutMs) })).toBe(true);
  suspend();
  expect(await (await fetch(`http://127.0.0.1:${hostPort}`)).text()).toBe("2");
  expect(inside("cat /proc/sys/kernel/random/boot_id; pgrep -f 4790 | head -n 1")).toBe(before);
  expect(existsSync(join(machineFolder, "suspended.state"))).toBe(false);
});

test("ssh wakes it; clock and random numbers are not those of then", () => {
  suspend();
  const askedAtMs = Date.now();
  const insideMs = Number(must(product.ssh(name, "date +%s%3N")).stdout);
  expect(Math.max(askedAtMs - insideMs, insideMs - Date.now())).toBeLessThan(maxDriftMs);
  const drawn = must(product.machine("sh", "-c", "dmesg | grep -c 'crng reseeded due to virtual machine fork'")).stdout;
  expect(Number(drawn)).toBeGreaterThan(0);
});

test("a suspended machine outlives its host, and stopping an environment of it works", () => {
  const boot = inside("cat /proc/sys/kernel/random/boot_id");
  suspend();
  must(product.berth("host", "stop"));
  // What should run comes back with the host.
  expect(inside("cat /proc/sys/kernel/random/boot_id; cat kept.txt")).toBe(`${boot}\nkept`);
  suspend();
  must(product.berth("stop", name));
  expect(product.show(name)).toMatchObject({ phase: "stopped" });
  must(product.berth("start", name));
  expect(inside("cat kept.txt")).toBe("kept");
});
