import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { silentLog } from "../../src/lib/log.ts";
import { findImage, hostImageArch } from "../../src/vm/image/find-image.ts";
import { QemuDriver } from "../../src/vm/qemu/qemu-driver.ts";
import { driverSuite } from "./driver-suite.ts";
import { deafImage, imagesFolder } from "./images.ts";
import { type BootedMachine, whenDockerReady } from "./machine-exec.ts";

const processSchema = z.object({ pid: z.number() });
const signal = new AbortController().signal;

function make(folder: string, env: NodeJS.ProcessEnv = process.env): QemuDriver {
  mkdirSync(join(folder, "machines"), { recursive: true });
  return new QemuDriver({
    machinesFolder: join(folder, "machines"),
    runFolder: join(folder, "r"),
    arch: hostImageArch(),
    log: silentLog,
    env,
  });
}

function pidOf(folder: string, id: string, program = "qemu"): number {
  return processSchema.parse(JSON.parse(readFileSync(join(folder, "machines", id, `${program}.json`), "utf8"))).pid;
}

driverSuite("qemu", {
  make,
  image: async () => findImage(imagesFolder, hostImageArch()),
  deafImage: async (folder) => deafImage(folder, hostImageArch()),
  killBehind: async (folder, id) => void process.kill(pidOf(folder, id), "SIGKILL"),
  diskBytes: (folder, id) => statSync(join(folder, "machines", id, "data.raw")).size,
  memoryBytes: 2 * 1024 ** 3,
});

describe("qemu alone", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "berth-qemu-"));
  });

  afterEach(async () => {
    const driver = make(folder);
    for (const id of await driver.list()) await driver.kill(id);
    rmSync(folder, { recursive: true, force: true });
  });

  const specOf = async (id: string, more = {}) => ({
    id,
    image: await deafImage(folder, hostImageArch()),
    cpus: 1,
    memoryBytes: 512 * 1024 ** 2,
    dataDiskLimitBytes: 1024 ** 3,
    ...more,
  });

  test("a new disk is raw, grows, and never shrinks", async () => {
    const driver = make(folder);
    const disk = join(folder, "machines/m/data.raw");
    await driver.create(await specOf("m"), signal);
    expect(statSync(disk).size).toBe(1024 ** 3);
    expect(statSync(disk).blocks).toBeLessThan(64);
    await driver.create(await specOf("m", { dataDiskLimitBytes: 2 * 1024 ** 3 }), signal);
    await driver.create(await specOf("m"), signal);
    expect(statSync(disk).size).toBe(2 * 1024 ** 3);
  });

  test("a header of another disk format on the disk is data and nothing else (S30)", async () => {
    const driver = make(folder);
    await driver.create(await specOf("m"), signal);
    const disk = join(folder, "machines/m/data.raw");
    const evil = join(folder, "evil.qcow2");
    const made = spawnSync("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "raw", "-b", "/etc/passwd", evil]);
    expect(made.status).toBe(0);
    const header = readFileSync(evil);
    const file = await open(disk, "r+");
    await file.write(header, 0, header.length, 0);
    await file.close();
    await driver.start(await specOf("m"), signal);
    const openFiles = readdirSync(`/proc/${pidOf(folder, "m")}/fd`).map((fd) =>
      spawnSync("readlink", [`/proc/${pidOf(folder, "m")}/fd/${fd}`], { encoding: "utf8" }).stdout.trim(),
    );
    expect(openFiles).toContain(disk);
    expect(openFiles).not.toContain("/etc/passwd");
    expect(readFileSync(`/proc/${pidOf(folder, "m")}/cmdline`, "utf8")).not.toContain("berth.format=");
  });

  test.each([
    ["other memory", async () => specOf("m", { memoryBytes: 640 * 1024 ** 2 }), () => undefined],
    [
      "another image",
      async () => ({ ...(await specOf("m")), image: { ...(await deafImage(folder, hostImageArch())), sha256: "f".repeat(64) } }),
      () => undefined,
    ],
    ["a disk that was written to", async () => specOf("m"), () => utimesSync(join(folder, "machines/m/data.raw"), 1, 1)],
    ["a state that is damaged", async () => specOf("m"), () => writeFileSync(join(folder, "machines/m/suspended.state"), "x")],
  ])("a suspended machine is booted and not continued with %s", async (_name, next, happens) => {
    const driver = make(folder);
    await driver.start(await specOf("m"), signal);
    await driver.suspend("m", { signal });
    expect(statSync(join(folder, "machines/m/suspended.state")).mode & 0o777).toBe(0o600);
    happens();
    await driver.start(await next(), signal);
    expect((await driver.inspect("m")).state).toBe("running");
    expect(readFileSync(`/proc/${pidOf(folder, "m")}/cmdline`, "utf8")).not.toContain("-incoming");
    for (const name of ["suspended.state", "suspended.json"]) expect(existsSync(join(folder, "machines/m", name))).toBe(false);
  });

  test("copies share no secret, name or address with each other or with their template", async () => {
    const driver = make(folder);
    const spec = async (id: string) => specOf(id, { image: await findImage(imagesFolder, hostImageArch()), memoryBytes: 1024 ** 3 });
    await driver.start(await spec("template"), signal);
    const template = await whenDockerReady(driver, "template", signal);
    const facts = `cat /etc/machine-id; hostname; cat /sys/class/net/eth0/address; od -An -tx1 -N16 /dev/urandom;
      ssh-keygen -q -t ed25519 -N '' -f /run/key-$$ && cut -d' ' -f2 /run/key-$$.pub; od -An -tx1 /run/berth/link-key | tr -d '\n'; echo;
      od -An -tx1 /sys/firmware/qemu_fw_cfg/by_name/opt/berth/link-key/raw | tr -d '\\n'; echo; node -p 'crypto.randomUUID()'`;
    const factsOf = async (machine: BootedMachine): Promise<string[]> => (await machine.run(facts)).trim().split("\n");
    const known = await factsOf(template);
    await template.run("sync");
    template.close();
    await driver.suspend("template", { signal });
    const ids = ["one", "two"];
    await Promise.all(ids.map(async (id) => driver.fork(await spec(id), "template", signal)));
    const seen = [known];
    for (const id of ids) {
      const machine = await whenDockerReady(driver, id, signal);
      seen.push(await factsOf(machine));
      expect((await machine.run("ls /run/berth")).split("\n")).not.toContain("link-key.next");
      machine.close();
    }
    for (let line = 0; line < known.length; line++) expect(new Set(seen.map((lines) => lines[line])).size).toBe(seen.length);
    // Nothing was written to what all of them began from.
    expect(await driver.inspect("template")).toMatchObject({ state: "off", suspended: {} });

    // After a boot it is still who it was.
    await driver.shutdown("one", { graceMs: 60_000, signal });
    await driver.start(await spec("one"), signal);
    const booted = await whenDockerReady(driver, "one", signal);
    expect((await factsOf(booted)).slice(0, 3)).toEqual(seen[1]?.slice(0, 3));
    booted.close();
  });

  test("a machine taken by its guest changes nothing in a folder that is read-only, and sees nothing beside it", async () => {
    const driver = make(folder);
    const image = await findImage(imagesFolder, hostImageArch());
    const folders = ["data", "results"].map((tag) => ({ tag, hostPath: join(folder, tag), readOnly: tag === "data" }));
    for (const { hostPath } of folders) mkdirSync(hostPath);
    writeFileSync(join(folder, "secret.txt"), "of the host\n");
    writeFileSync(join(folder, "data/note.txt"), "from here\n");
    const spec = await specOf("m", { image, memoryBytes: 1024 ** 3, sharedFolders: folders });
    await driver.start(spec, signal);
    const machine = await whenDockerReady(driver, "m", signal);
    const mount = "mkdir -p /run/a /run/b; mount -t virtiofs -o rw data /run/a; mount -t virtiofs results /run/b";
    expect(await machine.run(`${mount}; cat /run/a/note.txt`)).toBe("from here\n");
    for (const attack of ["echo spoilt > /run/a/note.txt", "rm /run/a/note.txt", "touch /run/a/new", "chmod 777 /run/a/note.txt"])
      await expect(machine.run(attack)).rejects.toThrow("Read-only file system");
    expect(await machine.run("ls /run/a/..; ls /run/a; cat /run/a/../secret.txt 2>&1 || true")).not.toContain("of the host");
    await machine.run("echo made > /run/b/made.txt; chown 1234:1234 /run/b/made.txt 2>/dev/null; chmod 4755 /run/b/made.txt; sync");
    // Whoever asks in the guest, it is done in the name of the person alone.
    expect(statSync(join(folder, "results/made.txt")).uid).toBe(process.getuid?.());
    expect(readFileSync(join(folder, "results/made.txt"), "utf8")).toBe("made\n");
    expect(readdirSync(join(folder, "data"))).toEqual(["note.txt"]);

    // Open files and mounts go on with a suspended machine, and what serves them ends with it.
    const untilSeen = (word: string): string => `for i in $(seq 100); do grep -q ${word} /run/followed && break; sleep 0.2; done`;
    await machine.run(`tail -f /run/a/note.txt > /run/followed 2>&1 & ${untilSeen("here")}`);
    machine.close();
    await driver.suspend("m", { signal });
    for (const { tag } of folders) expect(existsSync(join(folder, "machines/m", `virtiofsd-${tag}.json`))).toBe(false);
    appendFileSync(join(folder, "data/note.txt"), "while it slept\n");
    await driver.start(spec, signal);
    const again = await whenDockerReady(driver, "m", signal);
    expect(await again.run(`${untilSeen("slept")}; cat /run/followed`)).toBe("from here\nwhile it slept\n");
    again.close();

    // One that ends is told, also by a host that did not start it.
    expect(make(folder).sharedFolderFailures("m")).toEqual(new Map());
    process.kill(pidOf(folder, "m", "virtiofsd-data"), "SIGKILL");
    await expect.poll(() => [...make(folder).sharedFolderFailures("m").keys()]).toEqual(["data"]);
  });

  test("a copy whose host died before it had a name is given one by the next host", async () => {
    const driver = make(folder);
    await driver.start(await specOf("template"), signal);
    await driver.suspend("template", { signal });
    await driver.fork(await specOf("m"), "template", signal);
    await driver.kill("m");
    const next = make(folder);
    await next.start(await specOf("m"), signal);
    const { newIdentity, stream } = await next.dialAgent("m", signal);
    stream.destroy();
    expect(newIdentity?.machineId).toMatch(/^[0-9a-f]{32}$/);
    await next.identityTaken("m");
    await next.identityTaken("m");
    const { linkKey, ...after } = await next.dialAgent("m", signal);
    after.stream.destroy();
    expect(Buffer.from(linkKey)).toEqual(Buffer.from(newIdentity?.linkKey ?? []));
    expect(statSync(join(folder, "machines/m/link-key")).mode & 0o777).toBe(0o600);
  });

  test("a host that died while it suspended a machine leaves one that goes on", async () => {
    const host = `
      import { QemuDriver } from "../../src/vm/qemu/qemu-driver.ts";
      import { silentLog } from "../../src/lib/log.ts";
      const { options, spec } = JSON.parse(process.env.HOST);
      const driver = new QemuDriver({ ...options, log: silentLog, env: process.env });
      await driver.start(spec, new AbortController().signal);
      await driver.pause("m");
      process.exit(0);`;
    const options = { machinesFolder: join(folder, "machines"), runFolder: join(folder, "r"), arch: hostImageArch() };
    mkdirSync(options.machinesFolder);
    const env = { ...process.env, HOST: JSON.stringify({ options, spec: await specOf("m") }) };
    const ended = spawnSync(process.execPath, ["--input-type=module", "--eval", host], { cwd: import.meta.dirname, env, encoding: "utf8" });
    expect(ended.stderr).toBe("");
    const next = make(folder);
    expect((await next.inspect("m")).state).toBe("paused");
    await next.start(await specOf("m"), signal);
    expect((await next.inspect("m")).state).toBe("running");
  });

  test("no TCP or UDP port is opened on the host, and no other person reaches the sockets", async () => {
    const driver = make(folder);
    await driver.start(await specOf("m"), signal);
    const pids = [pidOf(folder, "m"), pidOf(folder, "m", "passt")];
    const listening = spawnSync("ss", ["-Hlntup"], { encoding: "utf8" })
      .stdout.split("\n")
      .filter((line) => pids.some((pid) => line.includes(`pid=${pid},`)));
    expect(listening).toEqual([]);
    for (const path of ["machines/m", "r/m"]) expect(statSync(join(folder, path)).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, "machines/m/link-key")).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "machines/m/data.raw")).mode & 0o777).toBe(0o600);
  });

  test("a missing QEMU is told with how to install it, and nothing is started", async () => {
    mkdirSync(join(folder, "machines"));
    const { probeQemu } = await import("../../src/vm/qemu/probe.ts");
    const probe = await probeQemu(
      { arch: hostImageArch(), cachePath: join(folder, "probe.json"), wanted: undefined, path: join(folder, "empty"), extraFolders: [] },
      signal,
    );
    expect(probe).toMatchObject({ usable: false, fix: expect.stringContaining("apt-get install") });
    expect(probe.reason).toContain("qemu-system-");
  });

  test("an accelerator is used only when a guest makes progress under it", async () => {
    const probe = await make(folder, { ...process.env, BERTH_ACCELERATOR: undefined }).probe(AbortSignal.timeout(30_000));
    expect(probe.usable).toBe(true);
    if (probe.accelerator === "tcg") expect(probe.reason).not.toBe("");
    else expect(probe.reason).toBe("");
  });

  test("a damaged image is refused before it is booted", async () => {
    const image = await findImage(imagesFolder, hostImageArch());
    const copy = join(folder, "images/one");
    mkdirSync(copy, { recursive: true });
    for (const path of [image.kernelPath, image.initrdPath]) copyFileSync(path, join(copy, path.split("/").at(-1) ?? ""));
    cpSync(image.rootPath, join(copy, "root.erofs"), { mode: 2 });
    copyFileSync(join(image.kernelPath, "../manifest.json"), join(copy, "manifest.json"));
    writeFileSync(join(folder, `images/current-${image.arch}.json`), JSON.stringify({ folder: "one" }));
    await findImage(join(folder, "images"), image.arch);
    appendFileSync(join(copy, "initrd"), "x");
    await expect(findImage(join(folder, "images"), image.arch)).rejects.toMatchObject({ code: "image-corrupt" });
    rmSync(join(copy, "initrd"));
    await expect(findImage(join(folder, "images"), image.arch)).rejects.toMatchObject({ code: "image-missing" });
  });

  test.skipIf(process.getuid?.() !== 0)("a computer whose disk is nearly full starts no machine", async () => {
    const small = join(folder, "small");
    mkdirSync(small);
    expect(spawnSync("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", small]).status).toBe(0);
    try {
      const driver = make(small);
      await expect(driver.start(await specOf("m"), signal)).rejects.toMatchObject({ code: "host-disk-full" });
      expect((await driver.inspect("m")).state).toBe("off");
    } finally {
      spawnSync("umount", [small]);
    }
  });
});
