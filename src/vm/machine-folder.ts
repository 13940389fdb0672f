import { createHash, randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { open, readFile, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { BerthError } from "../contract/berth-error.ts";
import { syncFolder, writeFileAtomically } from "../lib/atomic-file.ts";
import { linkKeyBytes } from "../lib/link.ts";
import { commandLineOf } from "./child-process.ts";
import { readTail } from "./read-tail.ts";
import { identifyProcess, isSameProcess, type ProcessIdentity } from "../lib/process-identity.ts";
import { removeFolder } from "../lib/remove-folder.ts";

/** Starting a machine with less free space than this would soon pause it. */
const minimumHostFreeBytes = 2 * 1024 ** 3;
/** Any file system, partition table or disk format has something in these bytes. */
const headerBytes = 1024 ** 2;
const machineIdPattern = /^[a-z0-9-]{1,32}$/;
/** sockaddr_un(5) of macOS, the shortest there is. */
const maxSocketPathBytes = 103;
const runFolderNameLetters = 8;

const savedProcessSchema = z.object({ pid: z.int(), startTicks: z.int(), startedAtMs: z.number(), stateKey: z.string().optional() });
export type SavedProcess = z.infer<typeof savedProcessSchema>;

/** The files of one machine that every hypervisor on this computer has: what lasts in its folder, sockets in a short one. */
export class MachineFolderBase<ProcessName extends string> {
  readonly folder: string;
  readonly runFolder: string;
  readonly dataDisk: string;
  readonly console: string;
  readonly linkKey: string;

  constructor(options: { readonly machinesFolder: string; readonly runFolder: string; readonly id: string }) {
    if (!machineIdPattern.test(options.id)) throw new BerthError("machine-not-found", `'${options.id}' is no machine's name`);
    this.folder = join(options.machinesFolder, options.id);
    this.runFolder = join(options.runFolder, runFolderName(options.id));
    this.dataDisk = join(this.folder, "data.raw");
    this.console = join(this.folder, "console.log");
    this.linkKey = join(this.folder, "link-key");
  }

  /** Others on this computer see nothing of them. */
  makeFolders(): void {
    for (const folder of [this.folder, this.runFolder]) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      chmodSync(folder, 0o700);
    }
  }

  /** Makes the folders and the data disk, grows the disk to a higher limit, and never shrinks or replaces it. */
  async create(dataDiskLimitBytes: number): Promise<void> {
    this.makeFolders();
    const existing = await stat(this.dataDisk).catch(() => undefined);
    if (existing === undefined) await this.#makeDisk(dataDiskLimitBytes);
    else if (existing.size < dataDiskLimitBytes) await resize(this.dataDisk, dataDiskLimitBytes);
  }

  /** Written beside a disk that this code made and no guest has formatted yet. */
  get #freshMarker(): string {
    return join(this.folder, "data.fresh");
  }

  async #makeDisk(bytes: number): Promise<void> {
    const temporary = `${this.dataDisk}.new`;
    rmSync(temporary, { force: true });
    await resize(temporary, bytes, "wx");
    await writeFileAtomically(this.#freshMarker, randomBytes(8).toString("hex"));
    renameSync(temporary, this.dataDisk);
    await syncFolder(this.folder);
  }

  /** The word that lets the guest format the disk: only while it is fresh and nothing at all is on it. */
  async formatToken(): Promise<string | undefined> {
    const token = await readFile(this.#freshMarker, "utf8").catch(() => undefined);
    if (token === undefined) return undefined;
    if (await isBlank(this.dataDisk)) return token;
    rmSync(this.#freshMarker, { force: true });
    return undefined;
  }

  /** A new key for each start, so that nothing of an earlier one can be mistaken for this one's. */
  async makeLinkKey(): Promise<void> {
    await writeFileAtomically(this.linkKey, randomBytes(linkKeyBytes), 0o600);
  }

  readLinkKey(): Uint8Array {
    return readFileSync(this.linkKey);
  }

  /** `stateKey` names what a state saved of this process will depend on. */
  async saveProcess(name: ProcessName, identity: ProcessIdentity, stateKey?: string): Promise<void> {
    await writeFileAtomically(join(this.folder, `${name}.json`), JSON.stringify({ ...identity, startedAtMs: Date.now(), stateKey }));
  }

  /** The living process of an earlier or this host, if it is still the same one. */
  readProcess(name: ProcessName): SavedProcess | undefined {
    try {
      const saved = savedProcessSchema.parse(JSON.parse(readFileSync(join(this.folder, `${name}.json`), "utf8")));
      return isSameProcess(saved) ? saved : undefined;
    } catch {
      return undefined;
    }
  }

  forgetProcess(name: ProcessName): void {
    rmSync(join(this.folder, `${name}.json`), { force: true });
  }

  /** A process that the hypervisor's own pid file names but we had no time to note, because the host was killed. */
  readStray(pidFile: string): ProcessIdentity | undefined {
    try {
      const identity = identifyProcess(Number(readFileSync(pidFile, "utf8").trim()));
      if (identity === undefined) return undefined;
      return commandLineOf(identity.pid).includes(this.dataDisk) ? identity : undefined;
    } catch {
      return undefined;
    }
  }

  /** The last bytes of the guest's console. */
  async consoleTail(maxBytes: number): Promise<string> {
    return readTail(this.console, maxBytes);
  }

  exists(): boolean {
    try {
      return statSync(this.dataDisk).isFile();
    } catch {
      return false;
    }
  }

  /** Blocks of the data disk that are really allocated on this computer. */
  dataDiskAllocatedBytes(): number {
    return this.exists() ? statSync(this.dataDisk).blocks * 512 : 0;
  }

  /** Keeps one console of the boot before. */
  rotateConsole(): void {
    try {
      renameSync(this.console, `${this.console}.1`);
    } catch {
      // There was none.
    }
  }

  remove(): void {
    removeFolder(this.folder);
    removeFolder(this.runFolder);
  }
}

/** Fails with `hypervisor-failed` for a path that a hypervisor's options would split at its comma. */
export function checkCommas(paths: readonly string[]): void {
  for (const path of paths)
    if (path.includes(",")) throw new BerthError("hypervisor-failed", `a folder's name must have no comma: ${path}`);
}

/** Of a long id only its hash fits beside the longest socket's name into the path of a socket. */
function runFolderName(id: string): string {
  return id.length <= runFolderNameLetters ? id : createHash("sha256").update(id).digest("hex").slice(0, runFolderNameLetters);
}

/** Fails with `hypervisor-failed` for a path that no socket can have. */
export function checkSocketPath(path: string): void {
  if (Buffer.byteLength(path) > maxSocketPathBytes) throw new BerthError("hypervisor-failed", `the path of a socket is too long: ${path}`);
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
