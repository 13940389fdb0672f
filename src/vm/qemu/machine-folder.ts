import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { syncFolder, writeFileAtomically } from "../../lib/atomic-file.ts";
import { removeFolder } from "../../lib/remove-folder.ts";
import { copyDisk } from "../data-disk.ts";
import type { MachineIdentity } from "../driver.ts";
import { newIdentity } from "../machine-identity.ts";
import { checkCommas, checkHostSpace, checkSocketPath, MachineFolderBase } from "../machine-folder.ts";
import type { MachinePaths } from "./arguments.ts";
import { SavedState } from "./saved-state.ts";

const identitySchema = z.object({
  machineId: z.string(),
  hostname: z.string(),
  macAddress: z.string(),
  /** The template's link key, which the copy's memory has until its agent was given another; a boot ends that too. */
  lentLinkKey: z.base64().optional(),
});

/** One for each folder that is shared, by its tag. */
type VirtiofsdName = `virtiofsd-${string}`;

const virtiofsdRecordPattern = /^virtiofsd-([a-z0-9]+)\.json$/;
/** A tag's first letters tell it from the few others of its machine; the path of a socket has no room for more. */
const socketTagLetters = 8;

/** The files of one machine under QEMU. */
export class MachineFolder extends MachineFolderBase<"qemu" | "passt" | VirtiofsdName> {
  readonly paths: MachinePaths;
  readonly passtPidFile: string;
  readonly passtLog: string;
  readonly qemuLog: string;
  readonly saved: SavedState;
  /** Who a copy of another machine is to be, until it is. */
  readonly #newIdentity: string;

  constructor(options: { readonly machinesFolder: string; readonly runFolder: string; readonly id: string }) {
    super(options);
    this.paths = {
      dataDisk: this.dataDisk,
      console: this.console,
      linkKey: this.linkKey,
      pidFile: join(this.folder, "qemu.pid"),
      qmpSocket: join(this.runFolder, "qmp.sock"),
      agentSocket: join(this.runFolder, "agent.sock"),
      netSocket: join(this.runFolder, "net.sock"),
    };
    this.passtPidFile = join(this.runFolder, "passt.pid");
    this.passtLog = join(this.folder, "passt.log");
    this.qemuLog = join(this.folder, "qemu.log");
    this.#newIdentity = join(this.folder, "new-identity.json");
    this.saved = new SavedState(this.folder, this.dataDisk);
    checkCommas(Object.values(this.paths));
    checkSocketPath(this.paths.agentSocket);
  }

  removeSockets(): void {
    for (const path of [this.paths.qmpSocket, this.paths.agentSocket, this.paths.netSocket, this.passtPidFile])
      rmSync(path, { force: true });
  }

  /** Where a folder's virtiofsd listens. */
  folderSocket(tag: string): string {
    return join(this.runFolder, `fs-${tag.slice(0, socketTagLetters)}`);
  }

  /** Of the folders whose virtiofsd were started for this machine, and not ended by us since. */
  virtiofsdTags(): string[] {
    const names = existsSync(this.folder) ? readdirSync(this.folder) : [];
    return names.flatMap((name) => virtiofsdRecordPattern.exec(name)?.[1] ?? []);
  }

  /** Written anew at each start. */
  virtiofsdLog(tag: string): string {
    return join(this.folder, `virtiofsd-${tag}.log`);
  }

  /** Makes a disk that is a copy of another machine's, which is off. Fails with `host-disk-full`. */
  async copyFrom(other: MachineFolder, id: string, signal: AbortSignal): Promise<void> {
    const partial = `${this.dataDisk}.new`;
    await rm(partial, { force: true });
    const neededBytes = other.dataDiskAllocatedBytes();
    await copyDisk(other.dataDisk, partial, { beforeCopying: async () => checkHostSpace(this.folder, neededBytes) }, signal);
    const { linkKey, ...identity } = newIdentity(id);
    await this.#writeNewIdentity({ ...identity, lentLinkKey: Buffer.from(other.readLinkKey()).toString("base64") });
    await writeFileAtomically(this.linkKey, linkKey);
    // Last: from now on there is a machine, which boots when its memory is not to be had.
    renameSync(partial, this.dataDisk);
  }

  /** Removes what `copyFrom` made and nothing else. */
  removeCopy(): void {
    for (const path of [this.dataDisk, `${this.dataDisk}.new`, this.#newIdentity, this.linkKey]) rmSync(path, { force: true });
    removeFolder(this.runFolder);
  }

  override async makeLinkKey(): Promise<void> {
    await super.makeLinkKey();
    const pending = this.#readNewIdentity();
    if (pending !== undefined) await this.#writeNewIdentity({ ...pending, lentLinkKey: undefined });
  }

  /** The key of the next stream, and who this machine is to be before anything else is done; the latter only until it is. */
  keys(): { readonly linkKey: Uint8Array; readonly newIdentity?: MachineIdentity } {
    const pending = this.#readNewIdentity();
    const linkKey = this.readLinkKey();
    if (pending === undefined) return { linkKey };
    const { lentLinkKey, ...identity } = pending;
    return {
      linkKey: lentLinkKey === undefined ? linkKey : Buffer.from(lentLinkKey, "base64"),
      newIdentity: { ...identity, linkKey },
    };
  }

  async identityTaken(): Promise<void> {
    rmSync(this.#newIdentity, { force: true });
    await syncFolder(this.folder);
  }

  async #writeNewIdentity(identity: z.infer<typeof identitySchema>): Promise<void> {
    await writeFileAtomically(this.#newIdentity, JSON.stringify(identity));
  }

  #readNewIdentity(): z.infer<typeof identitySchema> | undefined {
    if (statSync(this.#newIdentity, { throwIfNoEntry: false }) === undefined) return undefined;
    return identitySchema.parse(JSON.parse(readFileSync(this.#newIdentity, "utf8")));
  }
}
