import type { MachineSpec } from "../driver.ts";
import { kernelCommandLine } from "../kernel-command-line.ts";

/** Where a machine's sockets and files are; no path has a comma, which vfkit's options would split at. */
export interface VzPaths {
  readonly dataDisk: string;
  /** See `config-disk.ts`. */
  readonly configDisk: string;
  readonly console: string;
  readonly pidFile: string;
  readonly restSocket: string;
  readonly agentSocket: string;
  readonly netSocket: string;
}

export interface VfkitArgumentOptions {
  readonly spec: MachineSpec;
  readonly paths: VzPaths;
  /** gvproxy follows the host's name servers and VPN; nat is macOS's own. */
  readonly network: "gvproxy" | "nat";
  readonly formatToken: string | undefined;
  /** Shares Rosetta with the machine where it is installed, so that containers can run x86-64 programs. */
  readonly rosetta: boolean;
}

/** Where the agent listens inside the machine; see run-bridge in the image. */
const agentPort = 1024;
/** gvproxy's own subnet is Podman's too. It leases its second address to this network card. */
const gvproxySubnet = "192.168.137.0/24";
const gvproxyNetwork = "192.168.137.2/24,192.168.137.1,192.168.137.1";
const macAddress = "5a:94:ef:e4:0c:ee";
const rosettaTag = "berth-rosetta";

/**
 * vfkit's arguments for a machine (doc/usage.md of vfkit 0.6); pure, so that they can be read in a test. How disks
 * are cached cannot be said: vfkit has `cached` and `fsync`, with which a guest's flush survives a crash of this
 * computer's system and not a loss of power.
 */
export function vfkitArguments(options: VfkitArgumentOptions): string[] {
  const { spec, paths, formatToken } = options;
  const { image } = spec;
  const network = options.network === "gvproxy" ? gvproxyNetwork : "dhcp";
  const words = [kernelCommandLine({ imageSha256: image.sha256, network, formatToken })];
  if (options.rosetta) words.push(`berth.rosetta=${rosettaTag}`);
  const devices = [
    `virtio-blk,path=${image.rootPath},deviceId=root,readonly`,
    `virtio-blk,path=${paths.dataDisk},deviceId=data`,
    `virtio-blk,path=${paths.configDisk},deviceId=config,readonly`,
    `virtio-net,${options.network === "gvproxy" ? `unixSocketPath=${paths.netSocket}` : "nat"},mac=${macAddress}`,
    `virtio-vsock,port=${agentPort},socketURL=${paths.agentSocket},connect`,
    "virtio-rng",
    "virtio-balloon",
    `virtio-serial,logFilePath=${paths.console}`,
    // The manual writes ignoreIfMissing, and vfkit takes this (pkg/config/virtio.go of 0.6.4).
    ...(spec.sharedFolders ?? []).map(({ tag, hostPath }) => `virtio-fs,sharedDir=${hostPath},mountTag=${tag}`),
    ...(options.rosetta ? [`rosetta,mountTag=${rosettaTag},ignore-if-missing`] : []),
  ];
  return [
    "--cpus",
    String(spec.cpus),
    "--memory",
    String(Math.floor(spec.memoryBytes / 1024 ** 2)),
    "--pidfile",
    paths.pidFile,
    "--restful-uri",
    `unix://${paths.restSocket}`,
    "--bootloader",
    // Without the quotes vfkit would split the command line at its commas.
    `linux,kernel=${image.kernelPath},initrd=${image.initrdPath},cmdline="${words.join(" ")}"`,
    ...devices.flatMap((device) => ["--device", device]),
  ];
}

/** gvproxy's arguments (`gvproxy -help` of 0.8): no port of this computer leads in, and nothing here can ask it for one. */
export function gvproxyArguments(netSocket: string, pidFile: string): string[] {
  return ["-listen-vfkit", `unixgram://${netSocket}`, "-ssh-port", "-1", "-subnet", gvproxySubnet, "-pid-file", pidFile];
}
