import { expect, test } from "vitest";
import { judgeHost } from "./host-checks.ts";
import type { HostFacts } from "./host-facts.ts";

const gib = 1024 ** 3;
const good: HostFacts = {
  platform: "linux",
  arch: "x64",
  isRoot: true,
  nodeVersion: "24.21.0",
  hasSystemd: true,
  probe: { usable: true, accelerator: "kvm", reason: "", fix: "", version: "10.0.2" },
  isVirtual: false,
  cpus: 16,
  memoryBytes: 64 * gib,
  diskFreeBytes: 500 * gib,
  hasCgroupsV2: true,
  memoryLimitBytes: undefined,
  maxProcesses: undefined,
  maxOpenFiles: 524_288,
  hasTun: true,
  mayUnshareUsers: true,
  programs: new Map([
    ["qemu-system-x86_64", "/usr/bin/qemu-system-x86_64"],
    ["passt", "/usr/bin/passt"],
    ["virtiofsd", "/usr/libexec/virtiofsd"],
    ["systemctl", "/usr/bin/systemctl"],
  ]),
  plane: { kind: "reached", url: "https://plane.test", clockSkewMs: 40 },
};

function without(...names: readonly string[]): ReadonlyMap<string, string> {
  return new Map([...good.programs].filter(([name]) => !names.includes(name)));
}

test("a computer that has everything passes every check, and none asks for anything", () => {
  const checks = judgeHost(good);
  expect(checks.filter(({ status }) => status !== "pass")).toEqual([]);
  expect(checks.every(({ fix }) => fix === "")).toBe(true);
});

test.each<[string, Partial<HostFacts>, string, "warn" | "fail", RegExp]>([
  ["macOS", { platform: "darwin", arch: "arm64" }, "system", "fail", /Linux/],
  ["not root", { isRoot: false }, "rights", "fail", /sudo/],
  ["an old Node.js", { nodeVersion: "20.20.0" }, "node", "fail", /24/],
  ["no systemd", { hasSystemd: false }, "systemd", "fail", /berth runner run/],
  [
    "a KVM in which guests make no progress",
    { probe: { ...good.probe, accelerator: "tcg", reason: "a guest makes no progress", fix: "Use own hardware" } },
    "virtualization",
    "fail",
    /own hardware/,
  ],
  [
    "no hypervisor",
    { probe: { ...good.probe, usable: false, reason: "no QEMU", fix: "sudo apt-get install" } },
    "virtualization",
    "fail",
    /apt-get/,
  ],
  ["a virtual machine", { isVirtual: true }, "nested", "warn", /slower/],
  ["one processor", { cpus: 1 }, "processors", "fail", /2 processors/],
  ["two processors", { cpus: 2 }, "processors", "warn", /4/],
  ["2 GiB of memory", { memoryBytes: 2 * gib }, "memory", "fail", /3.0 GiB/],
  ["4 GiB of memory", { memoryBytes: 4 * gib }, "memory", "warn", /2 GiB/],
  ["a control group of 2 GiB on a large computer", { memoryLimitBytes: 2 * gib }, "memory", "fail", /3.0 GiB/],
  ["5 GiB of disk", { diskFreeBytes: 5 * gib }, "disk", "fail", /10.0 GiB/],
  ["20 GiB of disk", { diskFreeBytes: 20 * gib }, "disk", "warn", /50.0 GiB/],
  ["control groups of version 1", { hasCgroupsV2: false }, "cgroups", "warn", /unified_cgroup_hierarchy/],
  ["few processes", { maxProcesses: 100 }, "limits", "fail", /TasksMax/],
  ["few open files", { maxOpenFiles: 1024 }, "limits", "warn", /ulimit/],
  ["no tun", { hasTun: false }, "tun", "warn", /modprobe tun/],
  ["no user namespaces", { mayUnshareUsers: false }, "sandbox", "warn", /sysctl/],
  ["no QEMU", { programs: without("qemu-system-x86_64") }, "qemu", "fail", /apt-get install qemu-system-x86/],
  ["no passt", { programs: without("passt") }, "passt", "warn", /install passt/],
  ["no virtiofsd", { programs: without("virtiofsd") }, "virtiofsd", "warn", /install virtiofsd/],
  ["no plane", { plane: { kind: "unreachable", url: "https://plane.test", reason: "ENOTFOUND" } }, "plane", "fail", /firewall/],
  ["a clock 10 minutes ahead", { plane: { kind: "reached", url: "https://plane.test", clockSkewMs: 600_000 } }, "clock", "fail", /set-ntp/],
  ["a clock a minute behind", { plane: { kind: "reached", url: "https://plane.test", clockSkewMs: -60_000 } }, "clock", "warn", /set-ntp/],
])("%s is told with what to do", (_name, change, id, status, fix) => {
  const check = judgeHost({ ...good, ...change }).find((one) => one.id === id);
  expect(check).toMatchObject({ status, fix: expect.stringMatching(fix) as unknown });
});

test("a runner without a plane has nothing to reach", () => {
  expect(judgeHost({ ...good, plane: { kind: "none" } }).every(({ status }) => status === "pass")).toBe(true);
});
