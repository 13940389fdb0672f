import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { BerthError } from "../contract/berth-error.ts";
import type { TakeIdentityRequest } from "../contract/gen/berth/v1/agent_pb.js";
import { writeFileAtomically } from "../lib/atomic-file.ts";
import { linkKeyBytes, type ServedLink, serveLink, type SessionStream } from "../lib/link.ts";
import { runProcess } from "./run-process.ts";

const networkCard = "eth0";
const maxEntropyBytes = 64;
/** RNDRESEEDCRNG of linux/random.h. */
const reseedRequest = 0x5207;

export interface IdentityOptions {
  readonly dataFolder: string;
  readonly runFolder: string;
  readonly linkKeyFile: string;
}

/** Who this machine is to its host: the key of its link, and what a copy of another machine is told to take. */
export class Identity {
  readonly #options: IdentityOptions;
  #link: ServedLink | undefined;

  constructor(options: IdentityOptions) {
    this.#options = options;
  }

  /** Begins sessions on the link to the host. */
  serve(wire: Duplex, onSession: (session: SessionStream) => void): void {
    this.#link = serveLink(wire, readLinkKey(this.#options.linkKeyFile), onSession);
    if (existsSync(this.#nextKeyFile)) this.#expectNextKey();
  }

  /**
   * Makes a copy of another machine one of its own (AgentService.TakeIdentity): names, address, keys and random
   * numbers. What programs drew before is the same in all copies, so nothing secret is drawn before a machine is used.
   */
  async take({ machineId, hostname, macAddress, linkKey, entropy }: TakeIdentityRequest): Promise<void> {
    if (!/^[0-9a-f]{32}$/.test(machineId) || !/^[a-z0-9-]{1,63}$/.test(hostname) || linkKey.length !== linkKeyBytes)
      throw new BerthError("internal", "what the host gave is no identity");
    const { dataFolder, runFolder } = this.#options;
    await stirRandomNumbers(entropy);
    // The kernel's own is that of all copies.
    await writeFileAtomically(bootIdFile(runFolder), machineId.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"));
    await writeFileAtomically(join(dataFolder, "machine-id"), `${machineId}\n`);
    await writeFile("/etc/machine-id", `${machineId}\n`);
    await writeFileAtomically(join(dataFolder, "hostname"), `${hostname}\n`);
    await mustRun(["/bin/busybox", "hostname", hostname]);
    await mustRun(["/bin/busybox", "ip", "link", "set", "dev", networkCard, "address", macAddress]);
    // dockerd draws another one at its next start.
    rmSync(join(dataFolder, "docker/engine-id"), { force: true });
    await writeFileAtomically(this.#nextKeyFile, linkKey);
    this.#expectNextKey();
  }

  /** An agent that is restarted before the next connection must know both keys, for the host may be gone in between. */
  #expectNextKey(): void {
    this.#link?.addSuccessor(readLinkKey(this.#nextKeyFile), () => renameSync(this.#nextKeyFile, this.#options.linkKeyFile));
  }

  get #nextKeyFile(): string {
    return `${this.#options.linkKeyFile}.next`;
  }
}

function readLinkKey(path: string): Uint8Array {
  const linkKey = readFileSync(path);
  if (linkKey.length !== linkKeyBytes) throw new Error(`the link key has ${linkKey.length} bytes instead of ${linkKeyBytes}`);
  return linkKey;
}

/** Mixes what the host drew into the kernel's random numbers, and has them drawn from it at once. */
export async function stirRandomNumbers(entropy: Uint8Array): Promise<void> {
  if (entropy.length === 0) return;
  await writeFile("/dev/urandom", entropy.subarray(0, maxEntropyBytes));
  // Where the hypervisor tells the kernel that it is a copy (vmgenid), it has done so by itself.
  if (process.arch === "x64") return;
  await mustRun(["perl", "-e", `open(my $f, ">", "/dev/urandom") or exit 1; ioctl($f, ${reseedRequest}, 0) or exit 1`]);
}

/** Names this boot, or this copy of one. */
export function bootIdOf(runFolder: string): string {
  const own = bootIdFile(runFolder);
  return readFileSync(existsSync(own) ? own : "/proc/sys/kernel/random/boot_id", "utf8").trim();
}

function bootIdFile(runFolder: string): string {
  return join(runFolder, "boot-id");
}

async function mustRun(argv: readonly string[]): Promise<void> {
  const { code, stderr } = await runProcess(argv);
  if (code !== 0) throw new BerthError("internal", `${argv[0] ?? ""} failed: ${stderr.toString().trim()}`);
}
