import type { MachineSpec, SharedFolder } from "../driver.ts";
import { kernelCommandLine } from "../kernel-command-line.ts";
import { macAddressOf } from "../machine-identity.ts";

/** Where a machine's sockets and files are; no path has a comma, which QEMU's options would split at. */
export interface MachinePaths {
  readonly dataDisk: string;
  readonly console: string;
  readonly linkKey: string;
  readonly qmpSocket: string;
  readonly agentSocket: string;
  readonly netSocket: string;
  readonly pidFile: string;
}

/** A folder that a virtiofsd shares on a socket. */
export interface ServedFolder extends SharedFolder {
  readonly socketPath: string;
}

export interface ArgumentOptions {
  readonly spec: MachineSpec;
  readonly paths: MachinePaths;
  readonly accelerator: "kvm" | "hvf" | "tcg";
  /** passt keeps the guest away from the host's loopback; slirp is there everywhere. */
  readonly network: "passt" | "slirp";
  readonly folders?: readonly ServedFolder[];
  /** Given once, for a disk that was made just now; see berth-boot in the image. */
  readonly formatToken: string | undefined;
}

/** Addresses on the link between machine and host; the same ones that slirp uses. */
const guestNetwork = { address: "10.0.2.15", prefix: 24, gateway: "10.0.2.2", nameServer: "10.0.2.3" } as const;

/**
 * All that can be emulated, but for what is slow that way: pointer authentication's own cipher, and string
 * instructions announced as fast, with which the kernel and libc would copy and clear a byte at a time.
 */
const emulatedCpu = { amd64: "max,-erms,-fsrm", arm64: "max,pauth-impdef=on" } as const;

/** QEMU's arguments for a machine (qemu-system(1)); pure, so that they can be read in a test. */
export function qemuArguments(options: ArgumentOptions): string[] {
  const { spec, paths, accelerator } = options;
  const arm = spec.image.arch === "arm64";
  const memoryMib = Math.floor(spec.memoryBytes / 1024 ** 2);
  return [
    "-name",
    `berth-${spec.id}`,
    "-nodefaults",
    "-no-user-config",
    "-display",
    "none",
    "-no-reboot",
    "-machine",
    `${arm ? "virt,gic-version=max" : "q35,vmport=off,smbus=off"},memory-backend=mem`,
    "-accel",
    accelerator === "tcg" ? "tcg,thread=multi,tb-size=512" : accelerator,
    "-cpu",
    accelerator === "tcg" ? emulatedCpu[spec.image.arch] : "host",
    "-smp",
    String(spec.cpus),
    "-m",
    `${memoryMib}M`,
    "-object",
    memoryBackend(memoryMib, options.folders),
    "-kernel",
    spec.image.kernelPath,
    "-initrd",
    spec.image.initrdPath,
    "-append",
    commandLineOf(options),
    "-blockdev",
    `driver=raw,node-name=root,read-only=on,file.driver=file,file.filename=${spec.image.rootPath},file.locking=off`,
    "-device",
    "virtio-blk-pci,drive=root,serial=root",
    "-object",
    "iothread,id=io0",
    // The format is always said: a guest that writes a qcow2 header with a backing file gets nothing by it.
    "-blockdev",
    `driver=raw,node-name=data,discard=unmap,detect-zeroes=unmap,file.driver=file,file.filename=${paths.dataDisk},file.discard=unmap,file.aio=threads`,
    "-device",
    "virtio-blk-pci,drive=data,serial=data,iothread=io0,werror=enospc,rerror=report",
    ...networkArguments(options),
    ...(options.folders ?? []).flatMap(folderArguments),
    "-device",
    "virtio-rng-pci",
    "-device",
    "virtio-balloon-pci,free-page-reporting=on,deflate-on-oom=on",
    "-device",
    "virtio-serial-pci",
    "-chardev",
    `file,id=console,path=${paths.console},append=on`,
    "-device",
    "virtconsole,chardev=console",
    "-chardev",
    `socket,id=agent,path=${paths.agentSocket},server=on,wait=off`,
    "-device",
    "virtserialport,chardev=agent,name=berth.agent.0",
    "-chardev",
    `socket,id=qmp,path=${paths.qmpSocket},server=on,wait=off`,
    "-mon",
    "chardev=qmp,mode=control",
    "-fw_cfg",
    `name=opt/berth/link-key,file=${paths.linkKey}`,
    "-device",
    "pvpanic-pci",
    // A guest that is continued gets another number here, at which its kernel seeds its random numbers anew.
    ...(arm ? [] : ["-device", "vmgenid,guid=auto"]),
    // seccomp is Linux's; QEMU on macOS refuses the option.
    ...(accelerator === "hvf" ? [] : ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"]),
    "-pidfile",
    paths.pidFile,
  ];
}

/** The arguments without what tells a machine from its copies, all of which can be continued from the same saved state. */
export function sharedArguments(options: Omit<ArgumentOptions, "formatToken">): string[] {
  const { spec } = options;
  const paths = { dataDisk: "", console: "", linkKey: "", qmpSocket: "", agentSocket: "", netSocket: "", pidFile: "" };
  const folders = (options.folders ?? []).map((folder) => ({ ...folder, socketPath: "" }));
  const args = qemuArguments({ ...options, spec: { ...spec, id: "" }, paths, folders, formatToken: undefined });
  // Of a folder the hypervisor itself is told nothing but the tag.
  return [...args, ...folders.map((folder) => JSON.stringify(folder))];
}

function networkArguments({ spec, network, paths }: ArgumentOptions): string[] {
  const device = `virtio-net-pci,netdev=net,mac=${macAddressOf(spec.id)},romfile=`;
  return network === "passt"
    ? ["-netdev", `stream,id=net,server=off,addr.type=unix,addr.path=${paths.netSocket}`, "-device", device]
    : ["-netdev", "user,id=net,ipv6=off", "-device", device];
}

/**
 * Private where it can be: of shared memory, looking for pages to save would take every page that the guest never
 * used. A virtiofsd reads and writes in the guest's memory, which it must be given.
 */
function memoryBackend(memoryMib: number, folders: ArgumentOptions["folders"] = []): string {
  return folders.length === 0 ? `memory-backend-ram,id=mem,size=${memoryMib}M` : `memory-backend-memfd,id=mem,size=${memoryMib}M,share=on`;
}

/** virtio-fs by vhost-user (docs/system/devices/vhost-user.rst of QEMU). */
function folderArguments({ tag, socketPath }: ServedFolder): string[] {
  const id = `fs-${tag}`;
  return ["-chardev", `socket,id=${id},path=${socketPath}`, "-device", `vhost-user-fs-pci,chardev=${id},tag=${tag}`];
}

function commandLineOf({ spec, formatToken, accelerator }: ArgumentOptions): string {
  const { address, prefix, gateway, nameServer } = guestNetwork;
  const network = `${address}/${prefix},${gateway},${nameServer}`;
  const line = kernelCommandLine({ imageSha256: spec.image.sha256, network, formatToken });
  // Under hvf a processor that idles by polling costs the computer most of one of its own.
  return accelerator === "hvf" ? `${line} cpuidle.off=1` : line;
}

/** passt's arguments (passt(1)): the guest gets no way to the host's loopback and no port comes in. */
export function passtArguments(netSocket: string, pidFile: string): string[] {
  const { address, prefix, gateway, nameServer } = guestNetwork;
  return [
    "--foreground",
    "--one-off",
    "--quiet",
    "--socket",
    netSocket,
    "--pid",
    pidFile,
    "--ipv4-only",
    "--address",
    address,
    "--netmask",
    String(prefix),
    "--gateway",
    gateway,
    "--dns-forward",
    nameServer,
    "--no-map-gw",
    "--tcp-ports",
    "none",
    "--udp-ports",
    "none",
    "--no-dhcp-search",
    "--mtu",
    "65520",
    ...(process.getuid?.() === 0 ? ["--runas", "0:0"] : []),
  ];
}
