import { expect, test } from "vitest";
import { aptCommands, asText, codenameOf, elevation, missingPackages, needsOf } from "./setup-plan.mjs";

const nothing = { has: () => false, exists: () => false };

test("on a bare Linux everything is installed, each package once", () => {
  const packages = missingPackages(needsOf({ platform: "linux", arch: "x64", group: "test" }), { ...nothing, manager: "apt" });
  expect(packages).toEqual(
    expect.arrayContaining(["qemu-system-x86", "qemu-utils", "passt", "mmdebstrap", "erofs-utils", "docker-registry"]),
  );
  expect(new Set(packages).size).toBe(packages.length);
});

test("only what is missing is installed", () => {
  const machine = { has: (program: string) => program !== "passt", exists: () => true, manager: "apt" } as const;
  expect(missingPackages(needsOf({ platform: "linux", arch: "x64", group: "test" }), machine)).toEqual(["passt"]);
});

test("a Chrome that is there does for the window's tests", () => {
  const has = (program: string): boolean => program !== "chromium";
  const needs = needsOf({ platform: "linux", arch: "x64", group: "test" });
  expect(missingPackages(needs, { has, exists: () => true, manager: "apt" })).toEqual([]);
  expect(missingPackages(needs, { ...nothing, manager: "apt" })).toContain("chromium");
});

test("to run, nothing of the tests is needed; an arm64 computer gets its own emulator; macOS asks Homebrew", () => {
  const run = missingPackages(needsOf({ platform: "linux", arch: "arm64", group: "run" }), { ...nothing, manager: "apt" });
  expect(run).toContain("qemu-system-arm");
  expect(run).not.toContain("qemu-system-x86");
  expect(run).not.toContain("docker-registry");
  expect(missingPackages(needsOf({ platform: "darwin", arch: "arm64", group: "test" }), { ...nothing, manager: "brew" })).toEqual([
    "qemu",
    "git",
    "rsync",
  ]);
});

const bookwormSources = "http://mirror.example/debian/ bookworm\nhttp://mirror.example/debian/ bookworm-updates\n";

test("Debian 12 takes QEMU from backports, on the mirror it has, and its own when that fails", () => {
  const commands = aptCommands({ packages: ["qemu-system-x86", "git"], codename: "bookworm", sources: bookwormSources });
  expect(commands[0]).toEqual({
    argv: ["tee", "/etc/apt/sources.list.d/berth-backports.list"],
    input: "deb http://mirror.example/debian bookworm-backports main\n",
  });
  expect(commands[1]).toMatchObject({ mayFail: true });
  expect(commands.slice(2).map((c) => c.argv.slice(c.argv.indexOf("install")))).toEqual([
    ["install", "--no-install-recommends", "git"],
    ["install", "--no-install-recommends", "-t", "bookworm-backports", "qemu-system-x86"],
  ]);
  expect(commands[3]?.instead?.slice(-2)).toEqual(["--no-install-recommends", "qemu-system-x86"]);
  for (const { argv } of commands.slice(1)) expect(argv).toContain("DPkg::Lock::Timeout=300");
});

test("a service with a well-known password is not started by its package", () => {
  const commands = aptCommands({ packages: ["glewlwyd", "git"], codename: "trixie", sources: "" });
  const masked = commands.findIndex(({ argv }) => argv.join(" ") === "systemctl mask glewlwyd.service");
  expect(commands[masked]).toMatchObject({ mayFail: true });
  expect(commands.findIndex(({ argv }) => argv.includes("install"))).toBeGreaterThan(masked);
  expect(asText(aptCommands({ packages: ["git"], codename: "trixie", sources: "" }))).not.toContain("mask");
});

test("a backports source that is there is not added again, nor where QEMU is there already", () => {
  const withBackports = `${bookwormSources}http://mirror.example/debian/ bookworm-backports\n`;
  expect(asText(aptCommands({ packages: ["qemu-utils"], codename: "bookworm", sources: withBackports }))).not.toContain("tee");
  expect(asText(aptCommands({ packages: ["git"], codename: "bookworm", sources: bookwormSources }))).not.toContain("backports");
});

test("with Chromium comes its quicker variant, where the archive has one", () => {
  const commands = aptCommands({ packages: ["chromium"], codename: "noble", sources: "" });
  expect(commands.at(-1)).toMatchObject({ mayFail: true });
  expect(commands.at(-1)?.argv.at(-1)).toBe("chromium-headless-shell");
  expect(asText(aptCommands({ packages: ["git"], codename: "noble", sources: "" }))).not.toContain("chromium");
});

test.each(["trixie", "noble", ""])("'%s' takes everything from its own archive", (codename) => {
  const text = asText(aptCommands({ packages: ["qemu-system-x86", "passt"], codename, sources: "" }));
  expect(text).toMatch(/install --no-install-recommends qemu-system-x86 passt$/);
  expect(text).not.toContain("backports");
});

test("without rights the commands are given as a person types them", () => {
  const commands = aptCommands({ packages: ["qemu-utils"], codename: "bookworm", sources: "" });
  const [first, second, third] = asText(commands, "sudo ").split("\n  ");
  expect(first).toBe(
    "echo 'deb http://deb.debian.org/debian bookworm-backports main' | sudo tee /etc/apt/sources.list.d/berth-backports.list",
  );
  expect(second).toBe("sudo apt-get update");
  expect(third).toBe("sudo apt-get install --no-install-recommends -t bookworm-backports qemu-utils");
});

test("rights: root, sudo that needs no password, sudo that can ask, or none", () => {
  const who = { uid: 1000, hasSudo: true, sudoWithoutPassword: false, hasTerminal: false };
  expect(elevation({ ...who, uid: 0 })).toEqual([]);
  expect(elevation(who)).toBeUndefined();
  expect(elevation({ ...who, hasTerminal: true })?.[0]).toBe("sudo");
  expect(elevation({ ...who, sudoWithoutPassword: true })?.[0]).toBe("sudo");
  expect(elevation({ ...who, hasSudo: false, hasTerminal: true })).toBeUndefined();
});

test("reads the release", () => {
  expect(codenameOf('NAME="Debian"\nVERSION_CODENAME=bookworm\n')).toBe("bookworm");
  expect(codenameOf('VERSION_CODENAME="noble"')).toBe("noble");
  expect(codenameOf("NAME=Arch")).toBe("");
});
