import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { setupLockPath } from "../../../src/host/runner/setup-lock.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { tryProcessLock } from "../../../src/lib/process-lock.ts";
import { InMemoryFanOut } from "../../../src/plane/runners/fan-out.ts";
import type { Ended, RunningCommand } from "../cli-home.ts";
import { MemoryRunners } from "../runners/memory-runners.ts";
import { PlaneProcess } from "../runners/runner-world.ts";
import { spawnBerth } from "./runner-cli.ts";

const unitPath = "etc/systemd/system/berth-runner.service";
/** What systemd-analyze may say of the unit at worst, of 10: the sandboxes of passt and virtiofsd need what is open. */
const maxExposure = 4;
const isRoot = process.getuid?.() === 0;

let folder: string;
let root: string;
let plane: PlaneProcess;
/** The exchange token, which must be seen nowhere. */
let canary: string;
let planeUrl: string;

const runners = new MemoryRunners();
beforeAll(async () => {
  const fanOut = new InMemoryFanOut();
  plane = await PlaneProcess.start({ processId: "one", runners, fanOut, clock: systemClock, port: 0, isStreamMute: false });
  planeUrl = `http://127.0.0.1:${plane.port}/`;
});
afterAll(async () => plane.kill());
beforeEach(async () => {
  canary = await plane.plane.enrolment.issueExchangeToken(runners.addRunner());
  folder = mkdtempSync(join(tmpdir(), "berth-runner-setup-"));
  // The runner's user goes through it.
  chmodSync(folder, 0o755);
  root = join(folder, "root");
  mkdirSync(root, { mode: 0o755 });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function berth(args: readonly string[], options: { readonly stdin?: string; readonly env?: NodeJS.ProcessEnv } = {}): Promise<Ended> {
  const command = start(args, options);
  return command.end();
}

function start(
  args: readonly string[],
  { stdin = "", env = {} }: { readonly stdin?: string; readonly env?: NodeJS.ProcessEnv } = {},
): RunningCommand {
  const command = spawnBerth(["runner", ...args], {
    HOME: folder,
    BERTH_HOME: join(folder, "home"),
    BERTH_DRIVER: "simulated",
    BERTH_IMAGES: join(folder, "no-images"),
    ...env,
  });
  command.child.stdin?.end(stdin);
  return command;
}

const at = (path: string): string => join(root, path);
const mode = (path: string): string => (statSync(at(path)).mode & 0o777).toString(8);

test("sets a runner up in a root of its own: user, folders, service, credential, and the version that runs", async () => {
  const { status, stderr, stdout } = await berth(["setup", "--root", root, "--plane", planeUrl, "--exchange-token-file", "-"], {
    stdin: `${canary}\n`,
  });
  expect(`${stdout}${stderr}`).not.toContain(canary);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  expect(stdout).toContain("✓ Virtualization: simulated");
  const user = /^berth:x:(\d+):(\d+):[^:]*:\/var\/lib\/berth:\S*nologin$/m.exec(readFileSync(at("etc/passwd"), "utf8"));
  expect(user).not.toBeNull();
  expect(readFileSync(at("etc/group"), "utf8")).toMatch(/^kvm:.*\bberth$/m);
  expect([
    mode("var/lib/berth"),
    mode("var/lib/berth/keys"),
    mode("var/lib/berth/keys/runner.json"),
    mode("var/lib/berth/runner.json"),
  ]).toEqual(["700", "700", "600", "600"]);
  const version = readlinkSync(at("var/lib/berth/current"));
  expect(readlinkSync(at("var/lib/berth/good"))).toBe(version);
  expect(readdirSync(at(join("var/lib/berth", version, "app")))).toContain("runner.mjs");
  expect(lstatSync(at("etc/systemd/system/multi-user.target.wants/berth-runner.service")).isSymbolicLink()).toBe(true);
  if (isRoot)
    for (const path of ["", "keys/runner.json", "runner.json", "current", join(version, "node"), join(version, "app/runner.mjs")])
      expect({ path, uid: lstatSync(at(join("var/lib/berth", path))).uid }).toEqual({ path, uid: Number(user?.[1]) });
  expect(readdirSync(at("var/lib"))).toEqual(["berth"]);
});

test("of two set-ups at once one changes the computer and the other says so; removing waits its turn too", async () => {
  mkdirSync(at("run"));
  const lock = tryProcessLock(at(setupLockPath));
  for (const command of ["setup", "uninstall"]) {
    const { status, stderr } = await berth([command, "--root", root, ...(command === "setup" ? ["--stand-alone"] : [])]);
    expect({ command, status }).toEqual({ command, status: 4 });
    expect(stderr).toContain("being set up or removed by somebody else");
  }
  expect(readdirSync(root)).toEqual(["run"]);
  lock?.release();
  expect((await berth(["setup", "--root", root, "--stand-alone"])).status).toBe(0);
});

test("a user of that name that is there already comes into the group kvm and stays in its others", async () => {
  mkdirSync(at("etc"));
  writeFileSync(at("etc/passwd"), "berth:x:4711:4711:somebody:/var/lib/berth:/usr/sbin/nologin\n");
  writeFileSync(at("etc/group"), "berth:x:4711:\nbackup:x:34:root,berth\nkvm:x:106:libvirt-qemu\n");
  expect((await berth(["setup", "--root", root, "--stand-alone"])).status).toBe(0);
  const groups = readFileSync(at("etc/group"), "utf8");
  const membersOf = (group: string): unknown => new RegExp(`^${group}:x:\\d+:(.*)$`, "m").exec(groups)?.[1]?.split(",").toSorted();
  expect([membersOf("backup"), membersOf("kvm")]).toEqual([
    ["berth", "root"],
    ["berth", "libvirt-qemu"],
  ]);
  expect(readFileSync(at("etc/passwd"), "utf8")).toMatch(/^berth:x:4711:4711:/m);
});

test("systemd accepts the unit that is installed, and finds little in it to be had", async () => {
  expect((await berth(["setup", "--root", root, "--stand-alone"])).status).toBe(0);
  const verified = spawnSync("systemd-analyze", ["verify", `--root=${root}`, "--man=no", unitPath.split("/").at(-1) ?? ""], {
    encoding: "utf8",
  });
  // Units that it is ordered after are not in this root.
  expect(verified.stderr.split("\n").filter((line) => line.includes("berth-runner") && !line.includes("not found"))).toEqual([]);
  const security = spawnSync("systemd-analyze", ["security", "--offline=true", `--threshold=${maxExposure * 10}`, at(unitPath)], {
    encoding: "utf8",
  });
  expect(security.stdout + security.stderr).toMatch(/Overall exposure level/);
  expect(security.status).toBe(0);
});

test("changes nothing when a check fails, and says what to do", async () => {
  const { status, stdout, stderr } = await berth(["setup", "--root", root, "--stand-alone"], { env: { BERTH_SIMULATE: "slow" } });
  expect(status).toBe(4);
  expect(stdout).toContain("✗ Virtualization: /dev/kvm is there, but a guest makes no progress with it");
  expect(stderr).toContain("The runner was not set up");
  expect(readdirSync(root)).toEqual([]);
});

test("a plane that is not reached is a check that fails", async () => {
  const { status, stdout } = await berth(["setup", "--root", root, "--plane", "http://127.0.0.1:9", "--exchange-token-file", "-"], {
    stdin: canary,
  });
  expect(status).toBe(4);
  expect(stdout).toMatch(/✗ Plane: http:\/\/127.0.0.1:9/);
  expect(readdirSync(root)).toEqual([]);
});

test("a dry run tells every step and changes nothing", async () => {
  const { status, stdout, stderr } = await berth(
    ["setup", "--root", root, "--plane", planeUrl, "--exchange-token-file", "-", "--dry-run"],
    { stdin: canary },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: "Nothing was changed.\n" });
  expect(stdout).toContain("· write /etc/systemd/system/berth-runner.service (mode 0644)");
  expect(stdout).toContain(`· exchange the token with ${planeUrl}`);
  expect(stdout).not.toContain(canary);
  expect(readdirSync(root)).toEqual([]);
});

test("the token is in no process's arguments or environment, and in no file", async () => {
  const tokenFile = join(folder, "token");
  writeFileSync(tokenFile, canary, { mode: 0o600 });
  const command = start(["setup", "--root", root, "--plane", planeUrl, "--exchange-token-file", tokenFile]);
  const seen = new Set<string>();
  const looking = setInterval(() => lookForCanary(seen), 5);
  const { status, stdout, stderr } = await command.end();
  clearInterval(looking);
  expect(status).toBe(0);
  expect([...seen]).toEqual([]);
  expect(`${stdout}${stderr}`).not.toContain(canary);
  const files = readdirSync(root, { recursive: true, encoding: "utf8", withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  expect(files.filter((path) => readFileSync(path).includes(canary))).toEqual([]);
});

test("a set-up is repeated without a token, keeps who the runner is, and stops at contradictions", async () => {
  const token = ["--plane", planeUrl, "--exchange-token-file", "-"];
  expect((await berth(["setup", "--root", root, ...token], { stdin: canary })).status).toBe(0);
  const credential = readFileSync(at("var/lib/berth/keys/runner.json"), "utf8");
  expect((await berth(["setup", "--root", root, "--plane", planeUrl.replace(/\/$/, ""), "--update-window", "22-04"])).status).toBe(0);
  expect(readFileSync(at("var/lib/berth/keys/runner.json"), "utf8")).toBe(credential);
  expect(JSON.parse(readFileSync(at("var/lib/berth/runner.json"), "utf8"))).toMatchObject({ update: { window: "22-04" } });
  const refusals = [
    ["--stand-alone", ...token],
    ["--exchange-token", "x"],
    ["--stand-alone", "--update-window", "22-23"],
    ["--plane", "ftp://x"],
    ["--plane", "http://berth.example.org/api", "--exchange-token-file", "-"],
  ];
  for (const args of refusals)
    expect({ args, status: (await berth(["setup", "--root", root, ...args], { stdin: canary })).status }).toEqual({ args, status: 2 });
});

test("a repeated set-up is of the plane that it says: another one needs its token, and to stand alone drops the credential", async () => {
  const credentialPath = at("var/lib/berth/keys/runner.json");
  const planeIn = (path: string): unknown => (JSON.parse(readFileSync(at(path), "utf8")) as { planeUrl?: string }).planeUrl;
  expect((await berth(["setup", "--root", root, "--plane", planeUrl, "--exchange-token-file", "-"], { stdin: canary })).status).toBe(0);
  const other = planeUrl.replace("127.0.0.1", "localhost");
  const refused = await berth(["setup", "--root", root, "--plane", other]);
  expect(refused.status).toBe(2);
  expect(refused.stderr).toContain(`this is a runner of ${planeUrl}`);
  // Neither is said, so it stays what it is.
  expect((await berth(["setup", "--root", root])).status).toBe(0);
  expect(planeIn("var/lib/berth/runner.json")).toBe(planeUrl);

  const token = await plane.plane.enrolment.issueExchangeToken(runners.addRunner());
  const moved = await berth(["setup", "--root", root, "--plane", other, "--exchange-token-file", "-"], { stdin: token });
  expect(moved.status).toBe(0);
  expect(moved.stdout).toContain(`leave the plane ${planeUrl}, exchange the token with ${other}`);
  expect([planeIn("var/lib/berth/runner.json"), planeIn("var/lib/berth/keys/runner.json")]).toEqual([other, other]);

  const alone = await berth(["setup", "--root", root, "--stand-alone"]);
  expect(alone.status).toBe(0);
  expect(alone.stdout).toContain(`leave the plane ${other}`);
  expect(existsSync(credentialPath)).toBe(false);
  expect(planeIn("var/lib/berth/runner.json")).toBeUndefined();
});

// Only root becomes the runner's user.
test.skipIf(!isRoot)("a runner's user that puts links in its folder does not make root write where they point", async () => {
  expect((await berth(["setup", "--root", root, "--stand-alone"])).status).toBe(0);
  const loot = join(folder, "loot");
  mkdirSync(loot, { mode: 0o755 });
  rmSync(at("var/lib/berth/keys"), { recursive: true });
  const linked = spawnSync("ln", ["-s", loot, at("var/lib/berth/keys")]);
  expect(linked.status).toBe(0);
  const { status, stderr } = await berth(["setup", "--root", root, "--plane", planeUrl, "--exchange-token-file", "-"], { stdin: canary });
  expect(status).not.toBe(0);
  expect(stderr).not.toContain(canary);
  expect(readdirSync(loot)).toEqual([]);
  expect((statSync(loot).mode & 0o777).toString(8)).toBe("755");
});

test("removing a runner keeps its data unless that is said", async () => {
  expect((await berth(["setup", "--root", root, "--stand-alone"])).status).toBe(0);
  writeFileSync(at("var/lib/berth/store/precious"), "work");
  expect((await berth(["uninstall", "--root", root])).status).toBe(0);
  expect(existsSync(at(unitPath))).toBe(false);
  expect(existsSync(at("etc/systemd/system/multi-user.target.wants/berth-runner.service"))).toBe(false);
  expect(readFileSync(at("var/lib/berth/store/precious"), "utf8")).toBe("work");
  expect((await berth(["uninstall", "--root", root, "--delete-data"])).status).toBe(0);
  expect(existsSync(at("var/lib/berth"))).toBe(false);
});

function lookForCanary(seen: Set<string>): void {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
    for (const file of ["cmdline", "environ"]) {
      try {
        if (readFileSync(`/proc/${pid}/${file}`).includes(canary))
          seen.add(`${file} of ${readFileSync(`/proc/${pid}/comm`, "utf8").trim()}`);
      } catch {
        // It ended meanwhile.
      }
    }
}
