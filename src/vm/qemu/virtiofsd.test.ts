import { expect, test } from "vitest";
import { qemuArguments, sharedArguments } from "./arguments.ts";
import { virtiofsdArguments } from "./virtiofsd.ts";

const folder = { tag: "data", hostPath: "/home/me/data", readOnly: true, socketPath: "/r/fs-data" };
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
const options = { spec, paths, accelerator: "tcg", network: "passt" } as const;

test("a folder is walled off, read-only outside of the machine, and acted on by the person alone", () => {
  const args = virtiofsdArguments(folder, { uid: 1234, gid: 5678 });
  expect(args).toContain("--readonly");
  expect(args).toContain("--sandbox=namespace");
  expect(args).toContain("--translate-uid=squash-guest:0:1234:4294967295");
  expect(args).toContain("--translate-gid=squash-guest:0:5678:4294967295");
  expect(virtiofsdArguments({ ...folder, readOnly: false }, { uid: 1, gid: 1 })).not.toContain("--readonly");
});

test("only a machine with a folder has memory that another program sees", () => {
  const without = qemuArguments({ ...options, formatToken: undefined }).join(" ");
  expect(without).toContain("memory-backend-ram");
  expect(without).not.toMatch(/vhost-user|share=on/);
  const withFolder = qemuArguments({ ...options, folders: [folder], formatToken: undefined }).join(" ");
  expect(withFolder).toContain("memory-backend-memfd,id=mem,size=2048M,share=on");
  expect(withFolder).toContain("vhost-user-fs-pci,chardev=fs-data,tag=data");
});

test("a suspended machine is continued with the same folders only, and the same right to them", () => {
  const keyOf = (changed: Partial<typeof folder>): string =>
    JSON.stringify(sharedArguments({ ...options, folders: [{ ...folder, ...changed }] }));
  expect(keyOf({ socketPath: "/elsewhere" })).toBe(keyOf({}));
  expect(keyOf({ hostPath: "/home/me/other" })).not.toBe(keyOf({}));
  expect(keyOf({ readOnly: false })).not.toBe(keyOf({}));
});
