import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { waitUntil } from "../../src/lib/wait-until.ts";
import { must, type Outcome, Product } from "./product.ts";

const product = new Product(inject("productFolder"));
const name = "survives";
const noticeLimitMs = 10_000;
const recoveryLimitMs = 240_000;
const pollMs = 500;

const inside = (command: string): Outcome => product.berth("exec", name, "--", "sh", "-c", command);
const machinePid = (): number =>
  (JSON.parse(readFileSync(join(product.home, "machines/default/qemu.json"), "utf8")) as { pid: number }).pid;
const bootId = (): string => must(product.machine("cat", "/proc/sys/kernel/random/boot_id")).stdout;

function status(): { readonly state: string; readonly warnings: readonly string[] } {
  return JSON.parse(must(product.berth("machine", "status", "--json")).stdout) as ReturnType<typeof status>;
}

async function within(limitMs: number, condition: () => boolean): Promise<void> {
  expect(await waitUntil(condition, { intervalMs: pollMs, signal: AbortSignal.timeout(limitMs) })).toBe(true);
}

/** The environment answers and has what was written before. */
async function recovered(): Promise<void> {
  await within(recoveryLimitMs, () => inside("cat kept.txt").stdout === "kept\n");
}

beforeAll(() => {
  const folder = join(product.folder, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  writeFileSync(join(folder, "readme.txt"), "survives\n");
  must(product.create(folder, name));
  must(inside("echo kept > kept.txt && sync"));
});

afterAll(() => void product.berth("delete", name, "--force"));

test("an agent that is killed comes back, and containers run on", async () => {
  const container = must(inside("cat /proc/1/stat | cut -d' ' -f22")).stdout;
  // It answers no more.
  product.machine("sh", "-c", "pkill -9 -f '[a]gent.mjs'");
  await recovered();
  expect(must(inside("cat /proc/1/stat | cut -d' ' -f22")).stdout).toBe(container);
});

test("a dockerd that is killed is told and started again, and containers run on", async () => {
  const container = must(inside("cat /proc/1/stat | cut -d' ' -f22")).stdout;
  // Held, so that its absence lasts long enough to be told.
  must(product.machine("sh", "-c", "touch /run/berth/stopping && pkill -9 -x dockerd"));
  await within(noticeLimitMs, () => status().warnings.some((warning) => warning.includes("Docker does not answer")));
  must(product.machine("sh", "-c", "rm /run/berth/stopping && pkill -P 1 -x sleep || true"));
  await within(recoveryLimitMs, () => status().warnings.length === 0);
  await recovered();
  expect(must(inside("cat /proc/1/stat | cut -d' ' -f22")).stdout).toBe(container);
});

test("a computer that slept wakes with the right time in its machine", async () => {
  process.kill(machinePid(), "SIGSTOP");
  await new Promise<void>((resolve) => setTimeout(resolve, 20_000));
  process.kill(machinePid(), "SIGCONT");
  await within(noticeLimitMs, () => Math.abs(Number(inside("date +%s%3N").stdout) - Date.now()) < 1500);
});

test("a kernel that panics is noticed, and the machine and what ran in it come up again", async () => {
  const before = bootId();
  product.machine("sh", "-c", "sync; echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger");
  await within(noticeLimitMs, () => status().state !== "ready");
  await recovered();
  expect(bootId()).not.toBe(before);
});

test("a data disk that becomes read-only is told, and a restart mends it", async () => {
  product.machine("sh", "-c", "sync; echo 1 > /proc/sys/kernel/sysrq; echo u > /proc/sysrq-trigger");
  await within(noticeLimitMs, () => status().warnings.some((warning) => warning.includes("read-only")));
  must(product.berth("machine", "stop"));
  must(product.berth("start", name));
  expect(status().warnings).toEqual([]);
  await recovered();
});
