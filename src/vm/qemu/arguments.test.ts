import { expect, test } from "vitest";
import { qemuArguments } from "./arguments.ts";

const paths = {
  dataDisk: "/m/data.raw",
  console: "/m/console.log",
  linkKey: "/m/key",
  qmpSocket: "/r/q",
  agentSocket: "/r/a",
  netSocket: "/r/n",
  pidFile: "/m/pid",
};
const image = { sha256: "ab".repeat(32), arch: "amd64" as const, kernelPath: "/i/kernel", initrdPath: "/i/initrd", rootPath: "/i/root" };
const spec = { id: "default", image, cpus: 2, memoryBytes: 2 * 1024 ** 3, dataDiskLimitBytes: 1 };

test("a machine opens no port on the host and its disks are raw whatever they hold", () => {
  const text = qemuArguments({ spec, paths, accelerator: "tcg", network: "passt", formatToken: undefined }).join(" ");
  expect(text).not.toMatch(/hostfwd|tcp:|-vnc|-monitor/);
  expect(text.match(/driver=raw/g)).toHaveLength(2);
  expect(text).toContain("-sandbox on");
  expect(text).not.toContain("berth.format");
});

test("the word that allows formatting is given only when asked for", () => {
  expect(qemuArguments({ spec, paths, accelerator: "kvm", network: "slirp", formatToken: "f00" }).join(" ")).toContain("berth.format=f00");
});

test("an emulated processor does not invite copies of a byte at a time", () => {
  const args = qemuArguments({ spec, paths, accelerator: "tcg", network: "passt", formatToken: undefined });
  expect(args[args.indexOf("-cpu") + 1]).toMatch(/-erms,-fsrm/);
});

test("what only Linux has is left out on a Mac", () => {
  const args = qemuArguments({ spec, paths, accelerator: "hvf", network: "slirp", formatToken: undefined });
  expect(args).not.toContain("-sandbox");
  expect(args.join(" ")).not.toContain("memfd");
});
