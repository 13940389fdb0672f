import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { open, readFile, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { BerthError } from "../../contract/berth-error.ts";
import { syncFolder, writeFileAtomically } from "../../lib/atomic-file.ts";
import { linkKeyBytes } from "../../lib/link.ts";
import { identifyProcess, isSameProcess, type ProcessIdentity } from "../../lib/process-identity.ts";
import type { MachinePaths } from "./arguments.ts";
import { SavedState } from "./saved-state.ts";

/** Starting a machine with less free space than this would soon pause it. */
const minimumHostFreeBytes = 2 * 1024 ** 3;
/** Any file system, partition table or disk format has something in these bytes. */
const headerBytes = 1024 ** 2;
const machineIdPattern = /^[a-z0-9-]{1,32}$/;
const maxSocketPathBytes = 103;
const processSchema = z.object({ pid: z.int(), startTicks: z.int(), startedAtMs: z.number(), stateKey: z.string().optional() });

export type SavedProcess = z.infer<typeof processSchema>;

/** The files of one machine: what lasts in its folder, sockets in a short one. */
export class MachineFolder {
  readonly folder: string;
  readonly #runFolder: string;
  readonly paths: MachinePaths;
  readonly passtPidFile: string;
  readonly passtLog: string;
  readonly qemuLog: string;
  readonly saved: SavedState;

  constructor(options: { readonly machinesFolder: string; readonly runFolder: string; readonly id: string }) {
    if (!machineIdPattern.test(options.id)) throw new BerthError("machine-not-found", `'${options.id}' is no machine's name`);
    this.folder = join(options.machinesFolder, options.id);
    this.#runFolder = join(options.runFolder, options.id);
    this.paths = {
      dataDisk: join(this.folder, "data.raw"),
      console: join(this.folder, "console.log"),
      linkKey: join(this.folder, "link-key"),
      pidFile: join(this.folder, "qemu.pid"),
      qmpSocket: join(this.#runFolder, "qmp.sock"),
      agentSocket: join(this.#runFolder, "agent.sock"),
      netSocket: join(this.#runFolder, "net.sock"),
    };
    this.passtPidFile = join(this.#runFolder, "passt.pid");
    this.passtLog = join(this.folder, "passt.log");
    this.qemuLog = join(this.folder, "qemu.log");
    this.saved = new SavedState(this.folder, this.paths.dataDisk);
    for (const path of Object.values(this.paths)) {
      if (path.includes(",")) throw new BerthError("hypervisor-failed", `a folder's name must have no comma: ${path}`);
    }
    if (Buffer.byteLength(this.paths.agentSocket) > maxSocketPathBytes)
      throw new BerthError("hypervisor-failed", `the path of a socket is too long: ${this.paths.agentSocket}`);
  }

  /** Makes the folders and the data disk, grows the disk to a higher limit, and never shrinks or replaces it. */
  async create(dataDiskLimitBytes: number): Promise<void> {
    for (const folder of [this.folder, this.#runFolder]) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      chmodSync(folder, 0o700);
    }
    const existing = await stat(this.paths.dataDisk).catch(() => undefined);
    if (existing === undefined) await this.#makeDisk(dataDiskLimitBytes);
    else if (existing.size < dataDiskLimitBytes) await resize(this.paths.dataDisk, dataDiskLimitBytes);
  }

  /** Written beside a disk that this code made and no guest has formatted yet. */
  get #freshMarker(): string {
    return join(this.folder, "data.fresh");
  }

  async #makeDisk(bytes: number): Promise<void> {
    const temporary = `${this.paths.dataDisk}.new`;
    rmSync(temporary, { force: true });
    await resize(temporary, bytes, "wx");
    await writeFileAtomically(this.#freshMarker, randomBytes(8).toString("hex"));
    renameSync(temporary, this.paths.dataDisk);
    await syncFolder(this.folder);
  }

  /** The word that lets the guest format the disk: only while it is fresh and nothing at all is on it. */
  async formatToken(): Promise<string | undefined> {
    const token = await readFile(this.#freshMarker, "utf8").catch(() => undefined);
    if (token === undefined) return undefined;
    if (await isBlank(this.paths.dataDisk)) return token;
    rmSync(this.#freshMarker, { force: true });
    return undefined;
  }

  /** A new key for each start, so that nothing of an earlier one can be mistaken for this one's. */
  async makeLinkKey(): Promise<void> {
    await writeFileAtomically(this.paths.linkKey, randomBytes(linkKeyBytes), 0o600);
  }

  readLinkKey(): Uint8Array {
    return readFileSync(this.paths.linkKey);
  }

  /** `stateKey` names what a state saved of this process will depend on. */
  async saveProcess(name: "qemu" | "passt", identity: ProcessIdentity, stateKey?: string): Promise<void> {
    await writeFileAtomically(join(this.folder, `${name}.json`), JSON.stringify({ ...identity, startedAtMs: Date.now(), stateKey }));
  }

  /** The living process of an earlier or this host, if it is still the same one. */
  readProcess(name: "qemu" | "passt"): SavedProcess | undefined {
    try {
      const saved = processSchema.parse(JSON.parse(readFileSync(join(this.folder, `${name}.json`), "utf8")));
      return isSameProcess(saved) ? saved : undefined;
    } catch {
      return undefined;
    }
  }

  /** A process that QEMU's own pid file names but we had no time to note, because the host was killed. */
  readStrayQemu(): ProcessIdentity | undefined {
    try {
      const identity = identifyProcess(Number(readFileSync(this.paths.pidFile, "utf8").trim()));
      if (identity === undefined) return undefined;
      return readFileSync(`/proc/${identity.pid}/cmdline`, "utf8").includes(this.paths.dataDisk) ? identity : undefined;
    } catch {
      return undefined;
    }
  }

  /** The last bytes of the guest's console. */
  async consoleTail(maxBytes: number): Promise<string> {
    const file = await open(this.paths.console, "r").catch(() => undefined);
    if (file === undefined) return "";
    try {
      const { size } = await file.stat();
      const length = Math.min(maxBytes, size);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
      return buffer.subarray(0, bytesRead).toString("utf8");
    } finally {
      await file.close();
    }
  }

  exists(): boolean {
    try {
      return statSync(this.paths.dataDisk).isFile();
    } catch {
      return false;
    }
  }

  removeSockets(): void {
    for (const path of [this.paths.qmpSocket, this.paths.agentSocket, this.paths.netSocket, this.passtPidFile])
      rmSync(path, { force: true });
  }

  /** Keeps one console of the boot before. */
  rotateConsole(): void {
    try {
      renameSync(this.paths.console, `${this.paths.console}.1`);
    } catch {
      // There was none.
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
    rmSync(this.#runFolder, { recursive: true, force: true });
  }
}

/** Names of the machines that have a folder. */
export function listMachineFolders(machinesFolder: string): string[] {
  try {
    return readdirSync(machinesFolder).filter((name) => machineIdPattern.test(name));
  } catch {
    return [];
  }
}

/** Fails with `host-disk-full` when this computer would run out of space soon, after `extraBytes` more are taken. */
export async function checkHostSpace(folder: string, extraBytes = 0): Promise<void> {
  const disk = await statfs(folder);
  const free = disk.bavail * disk.bsize;
  const needed = minimumHostFreeBytes + extraBytes;
  if (free < needed)
    throw new BerthError(
      "host-disk-full",
      `${(free / 1024 ** 3).toFixed(1)} GiB are free in ${folder}; at least ${(needed / 1024 ** 3).toFixed(1)} GiB are needed`,
    );
}

async function resize(path: string, bytes: number, flags: "wx" | "r+" = "r+"): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    await file.truncate(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function isBlank(path: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headerBytes), 0, headerBytes, 0);
    return buffer.subarray(0, bytesRead).every((byte) => byte === 0);
  } finally {
    await file.close();
  }
}
