import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findProgram } from "../../src/lib/find-program.ts";
import { waitUntil } from "../../src/lib/wait-until.ts";
import { holesInLink, holesInPasst, holesInSlirp } from "../../src/vm/qemu/wall.ts";

/** What a machine can do that is not under anybody's control: frames are sent by hand (S28). */
const passt = findProgram("passt");
const qemu = findProgram("qemu-system-x86_64") ?? findProgram("qemu-system-aarch64");
const startLimitMs = 20_000;
let folder: string;

beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "berth-wall-"))));
afterEach(() => rmSync(folder, { recursive: true }));

test.skipIf(passt === undefined)("passt does not hand the loopback of this computer to the machine as its gateway", async () => {
  const holes = await holesInPasst(passt ?? "", folder, AbortSignal.timeout(startLimitMs));
  expect(holes).not.toContain("10.0.2.2");
});

test.skipIf(qemu === undefined)("slirp has the holes that the diagnosis tells of, and no others", async () => {
  const socketPath = join(folder, "n");
  const link = ["-netdev", "user,id=user,ipv6=off", "-netdev", `stream,id=stream,server=on,addr.type=unix,addr.path=${socketPath}`];
  const hub = ["user", "stream"].flatMap((name) => ["-netdev", `hubport,id=hub-${name},hubid=0,netdev=${name}`]);
  const child = spawn(qemu ?? "", ["-M", "none", "-nodefaults", "-display", "none", ...link, ...hub], { stdio: "ignore" });
  try {
    await waitUntil(() => existsSync(socketPath), { intervalMs: 20, signal: AbortSignal.timeout(startLimitMs) });
    expect(await holesInLink(socketPath, AbortSignal.timeout(startLimitMs))).toEqual(holesInSlirp);
  } finally {
    child.kill("SIGKILL");
  }
});
