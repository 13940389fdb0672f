import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { silentLog } from "../../src/lib/log.ts";
import { waitUntil } from "../../src/lib/wait-until.ts";
import type { MachineSpec } from "../../src/vm/driver.ts";
import { findImage } from "../../src/vm/image/find-image.ts";
import { VzDriver } from "../../src/vm/vz/vz-driver.ts";
import { installFakeVfkit } from "../support/fake-vfkit/install.ts";
import { driverSuite } from "./driver-suite.ts";
import { deafImage, hasImage, imagesFolder } from "./images.ts";
import { whenDockerReady } from "./machine-exec.ts";

const processSchema = z.object({ pid: z.number() });
const signal = new AbortController().signal;
const noticeLimitMs = 10_000;
const pollMs = 50;
const arches = ["amd64", "arm64"] as const;

function make(folder: string, runFolder = "r"): VzDriver {
  mkdirSync(join(folder, "machines"), { recursive: true });
  return new VzDriver({
    machinesFolder: join(folder, "machines"),
    runFolder: join(folder, runFolder),
    log: silentLog,
    env: { ...process.env, PATH: installFakeVfkit(join(folder, "bin")), BERTH_NETWORK: "nat" },
    rosetta: false,
  });
}

function pidOf(folder: string, id: string): number {
  return processSchema.parse(JSON.parse(readFileSync(join(folder, "machines", id, "vfkit.json"), "utf8"))).pid;
}

for (const arch of arches) {
  if (hasImage(arch))
    driverSuite(`vz on a vfkit that runs ${arch} under QEMU`, {
      make,
      image: async () => findImage(imagesFolder, arch),
      deafImage: async (folder) => deafImage(folder, arch),
      killBehind: async (folder, id) => void process.kill(pidOf(folder, id), "SIGKILL"),
      diskBytes: (folder, id) => statSync(join(folder, "machines", id, "data.raw")).size,
      memoryBytes: 2 * 1024 ** 3,
    });
  else
    describe.skip(`vz on ${arch} (there is no ${arch} image: npm run image -- --arch ${arch})`, () =>
      test("the driver's suite", () => undefined));
}

describe("vz alone", () => {
  const arch = arches.find(hasImage) ?? "amd64";
  let folder: string;
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "berth-vz-"))));
  afterEach(async () => {
    const driver = make(folder);
    for (const id of await driver.list()) await driver.kill(id);
    rmSync(folder, { recursive: true, force: true });
  });

  const specOf = async (more: Partial<MachineSpec> = {}): Promise<MachineSpec> => ({
    id: "m",
    image: await deafImage(folder, arch),
    cpus: 1,
    memoryBytes: 512 * 1024 ** 2,
    dataDiskLimitBytes: 1024 ** 3,
    ...more,
  });

  test("a machine that is paused stands still and tells so, to the next host too", async () => {
    const driver = make(folder);
    await driver.start(await specOf(), signal);
    expect(driver.features.pauseForSleep).toBe(true);
    await driver.pause("m");
    await driver.pause("m");
    expect(await make(folder).inspect("m")).toMatchObject({ state: "paused", reason: "requested" });
    const next = make(folder);
    await next.start(await specOf(), signal);
    expect(await next.inspect("m")).toMatchObject({ state: "paused" });
    const told: string[] = [];
    const unsubscribe = driver.onChange((id) => told.push(id));
    await next.resume("m");
    expect((await next.inspect("m")).state).toBe("running");
    expect(await waitUntil(() => told.includes("m"), { intervalMs: pollMs, signal: AbortSignal.timeout(noticeLimitMs) })).toBe(true);
    unsubscribe();
  });

  test("no port is opened on the host, nobody else reaches sockets and key, and no argument tells the key", async () => {
    const driver = make(folder);
    await driver.start(await specOf(), signal);
    const pid = pidOf(folder, "m");
    const listening = spawnSync("ss", ["-Hlntup"], { encoding: "utf8" }).stdout;
    expect(listening).not.toContain(`pid=${pid},`);
    for (const path of ["machines/m", "r/m"]) expect(statSync(join(folder, path)).mode & 0o777).toBe(0o700);
    for (const name of ["link-key", "config.raw", "data.raw"]) expect(statSync(join(folder, "machines/m", name)).mode & 0o777).toBe(0o600);
    const key = readFileSync(join(folder, "machines/m/link-key"));
    expect(readFileSync(join(folder, "machines/m/config.raw")).indexOf(key)).toBe(16);
    const args = readFileSync(`/proc/${pid}/cmdline`);
    for (const text of [key, key.toString("hex"), key.toString("base64")]) expect(args.includes(text)).toBe(false);
  });

  test("a machine whose host died before it noted it is found by vfkit's own pid file", async () => {
    const driver = make(folder);
    await driver.start(await specOf(), signal);
    const pid = pidOf(folder, "m");
    rmSync(join(folder, "machines/m/vfkit.json"));
    expect(await make(folder).inspect("m")).toMatchObject({ state: "running", pid });
  });

  test("a machine whose sockets are gone is ended and started anew", async () => {
    await make(folder).start(await specOf(), signal);
    const pid = pidOf(folder, "m");
    rmSync(join(folder, "r/m"), { recursive: true });
    const driver = make(folder);
    await driver.start(await specOf(), signal);
    expect(pidOf(folder, "m")).not.toBe(pid);
    expect((await driver.inspect("m")).state).toBe("running");
  });

  test("a kernel that vfkit does not take is told in its words, and nothing is left running", async () => {
    const spec = await specOf();
    const driver = make(folder);
    await expect(driver.start({ ...spec, image: { ...spec.image, kernelPath: spec.image.initrdPath } }, signal)).rejects.toMatchObject({
      code: "hypervisor-failed",
      detail: expect.stringContaining("kernel must be uncompressed"),
    });
    expect((await driver.inspect("m")).state).toBe("off");
  });

  test("a folder of sockets that vfkit would listen beside is refused", async () => {
    await expect(async () => make(folder, "a blank").start(await specOf(), signal)).rejects.toMatchObject({ code: "hypervisor-failed" });
    expect(existsSync(join(folder, "a blank"))).toBe(false);
  });

  test("vsock's port in the machine is closed to what runs in it", { timeout: 5 * 60_000 }, async () => {
    const driver = make(folder);
    const limit = AbortSignal.timeout(5 * 60_000);
    await driver.start(await specOf({ image: await findImage(imagesFolder, arch), memoryBytes: 1024 ** 3, cpus: 2 }), limit);
    const machine = await whenDockerReady(driver, "m", limit);
    // What stands behind vsock's port, behind others that the machine can reach, with another end in place of the agent.
    const said = await machine.run(
      [
        "modprobe vsock_loopback",
        "printf '#!/bin/sh\\necho peer $SOCAT_PEERADDR\\n' > /tmp/who",
        "sed 's/^exec .*/echo let in/' /usr/lib/berth/vsock-accept > /tmp/accept",
        "chmod +x /tmp/who /tmp/accept",
        "socat VSOCK-LISTEN:1025,fork EXEC:/tmp/who,nofork > /dev/null 2>&1 & who=$!",
        "socat VSOCK-LISTEN:1026,fork EXEC:/tmp/accept,nofork > /dev/null 2>&1 & accept=$!",
        "ask() { socat -t 20 - VSOCK-CONNECT:1:$1 < /dev/null 2> /dev/null; }",
        "until peer=$(ask 1025) && answer=$(ask 1026); do sleep 0.2; done",
        'echo "$peer, answered: $answer"',
        'echo "as the host, answered: $(SOCAT_PEERADDR=2 /tmp/accept)"',
        "kill $who $accept",
      ].join("\n"),
    );
    expect(said).toBe("peer 1, answered: \nas the host, answered: let in\n");
    machine.close();
  });
});

describe("the stand-in for vfkit", () => {
  let folder: string;
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "berth-vfkit-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const vfkit = (...args: readonly string[]) => {
    installFakeVfkit(folder);
    return spawnSync(join(folder, "vfkit"), args, { encoding: "utf8" });
  };
  const boot = ["--bootloader", 'linux,kernel=/k,initrd=/i,cmdline="a=1,2 b"'];

  test("what vfkit has not, it refuses", () => {
    for (const [args, words] of [
      [["--nonsense", "1"], "unknown flag: --nonsense"],
      [["--bootloader", "grub"], "unknown bootloader type: grub"],
      [["--bootloader", "linux,kernel=/k,initrd=/i,cmdline=a,b"], "unknown option for linux bootloaders: b"],
      [[...boot, "--device", "virtio-floppy"], "unknown device type: virtio-floppy"],
      [[...boot, "--device", "virtio-rng,source=/dev/random"], "unknown option for virtio-rng devices: source"],
      [[...boot, "--device", "virtio-blk,path=/dev/null,readonly=on"], "unexpected value"],
      [[...boot, "--restful-uri", `unix:///${"x".repeat(104)}`], "exceeds macOS limits"],
    ] as const) {
      const { status, stderr } = vfkit(...args);
      expect([status, stderr]).toEqual([1, expect.stringContaining(words)]);
    }
  });

  test("its version is told as vfkit tells it", () => {
    expect(vfkit("--version").stdout).toBe("vfkit version: v0.6.4\n");
  });
});
