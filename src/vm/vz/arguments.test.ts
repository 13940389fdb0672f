import { expect, test } from "vitest";
import { gvproxyArguments, vfkitArguments, type VfkitArgumentOptions } from "./arguments.ts";
import { splitQuoted, trimQuotes, vfkitBootloaders, vfkitDevices, vfkitFlags } from "./vfkit-options.ts";

const paths = {
  dataDisk: "/m/data.raw",
  configDisk: "/m/config.raw",
  console: "/m/console.log",
  pidFile: "/m/vfkit.pid",
  restSocket: "/r/rest.sock",
  agentSocket: "/r/agent.sock",
  netSocket: "/r/net.sock",
};
const image = { sha256: "ab".repeat(32), arch: "arm64" as const, kernelPath: "/i/kernel", initrdPath: "/i/initrd", rootPath: "/i/root" };
const spec = { id: "default", image, cpus: 4, memoryBytes: 6 * 1024 ** 3, dataDiskLimitBytes: 1 };

/** Every machine that the driver can ask for. */
const all: readonly VfkitArgumentOptions[] = (["gvproxy", "nat"] as const).flatMap((network) =>
  [true, false].flatMap((rosetta) => [undefined, "f00"].map((formatToken) => ({ spec, paths, network, rosetta, formatToken }))),
);

test("the command line of a machine, word for word", () => {
  expect(vfkitArguments({ spec, paths, network: "nat", formatToken: undefined, rosetta: false })).toEqual([
    "--cpus",
    "4",
    "--memory",
    "6144",
    "--pidfile",
    "/m/vfkit.pid",
    "--restful-uri",
    "unix:///r/rest.sock",
    "--bootloader",
    'linux,kernel=/i/kernel,initrd=/i/initrd,cmdline="console=hvc0 quiet loglevel=3 panic=5 8250.nr_uarts=0 thash_entries=4096 ' +
      'cgroup.memory=nokmem psi=0 lsm=landlock,yama,bpf berth.image=abababababababab berth.ip=dhcp"',
    "--device",
    "virtio-blk,path=/i/root,deviceId=root,readonly",
    "--device",
    "virtio-blk,path=/m/data.raw,deviceId=data",
    "--device",
    "virtio-blk,path=/m/config.raw,deviceId=config,readonly",
    "--device",
    "virtio-net,nat,mac=5a:94:ef:e4:0c:ee",
    "--device",
    "virtio-vsock,port=1024,socketURL=/r/agent.sock,connect",
    "--device",
    "virtio-rng",
    "--device",
    "virtio-balloon",
    "--device",
    "virtio-serial,logFilePath=/m/console.log",
  ]);
});

test("every flag, device and option is one that vfkit has", () => {
  for (const options of all) {
    const args = vfkitArguments(options);
    for (let at = 0; at < args.length; at += 2) {
      const [flag = "", value = ""] = args.slice(at, at + 2);
      expect(vfkitFlags.find(({ name }) => `--${name}` === flag)?.kind, flag).toBe("value");
      const [kind = "", ...parts] = flag === "--bootloader" ? splitQuoted(value) : value.split(",");
      if (flag !== "--bootloader" && flag !== "--device") continue;
      const known = (flag === "--bootloader" ? vfkitBootloaders : vfkitDevices)[kind];
      expect(known, kind).toBeDefined();
      for (const part of parts) expect(known?.[part.split("=")[0] ?? ""], part).toBe(part.includes("=") ? "value" : "flag");
    }
  }
});

test("the kernel's command line survives vfkit's splitting, commas and all", () => {
  const args = vfkitArguments({ spec, paths, network: "gvproxy", formatToken: "f00", rosetta: true });
  const parts = splitQuoted(args[args.indexOf("--bootloader") + 1] ?? "");
  const line = trimQuotes(parts.find((part) => part.startsWith("cmdline="))?.slice("cmdline=".length) ?? "");
  expect(line).toContain("lsm=landlock,yama,bpf ");
  expect(line).toContain(" berth.ip=192.168.137.2/24,192.168.137.1,192.168.137.1 berth.format=f00 berth.rosetta=berth-rosetta");
  expect(line).not.toContain('"');
});

test("Rosetta and the word that allows formatting are given only when asked for", () => {
  const text = vfkitArguments({ spec, paths, network: "nat", formatToken: undefined, rosetta: false }).join(" ");
  expect(text).not.toMatch(/rosetta|berth\.format/);
});

test("gvproxy opens no port on this computer", () => {
  const args = gvproxyArguments("/r/net.sock", "/r/gvproxy.pid");
  expect(args.join(" ")).toContain("-ssh-port -1");
  expect(args).not.toContain("-listen");
  expect(args).not.toContain("-services");
});
