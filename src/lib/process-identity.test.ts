import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { identifyProcess, isSameProcess, startOfLiving } from "./process-identity.ts";

/** A line of /proc/<pid>/stat; a program's name may hold anything. */
const stat = (state: string, threads: number): string =>
  `42 (a) Z b) ${state} 1 42 42 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 ${threads} 0 98765 0 0`;

test.each([
  ["S", 4, 98_765],
  ["Z", 1, undefined],
  ["Z", 0, undefined],
  ["X", 1, undefined],
  // The first thread has ended; another one holds the files, and with them the lock of a disk.
  ["Z", 3, 98_765],
])("a process in state %s with %d threads", (state, threads, start) => {
  expect(startOfLiving(stat(state, threads))).toBe(start);
});

test("a process is the same until it ends", async () => {
  const child = spawn("sleep", ["60"]);
  const identity = identifyProcess(child.pid ?? 0);
  if (identity === undefined) throw new Error("the process does not live");
  expect(isSameProcess(identity)).toBe(true);
  child.kill("SIGKILL");
  await once(child, "close");
  expect(isSameProcess(identity)).toBe(false);
});
