import { randomUUID } from "node:crypto";
import { lstat, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, isAbsolute } from "node:path";
import { BerthError } from "../../contract/berth-error.ts";
import type { MachineView } from "../../engine/machine-view.ts";
import type { FolderSource } from "../../engine/tell-folders.ts";
import { messageOf } from "../../lib/log.ts";
import { isWithin } from "../../lib/path-within.ts";
import type { MachineDriver, SharedFolder } from "../../vm/driver.ts";
import { type SharedFolderRecord, SharedFolderStore } from "./shared-folder-store.ts";

/** Each is a device of its machine, and a program of this computer. */
const maxFoldersPerMachine = 8;
const namePattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;

export type SharedFolderState = "waiting" | "shared" | "restart-needed" | "failed" | "removed";

export interface SharedFolderView {
  readonly record: SharedFolderRecord;
  readonly state: SharedFolderState;
  /** Of `failed`: why. */
  readonly detail: string;
}

/** The machine that an environment is on. */
export interface FolderMachine {
  readonly id: string;
  readonly keeper: { readonly view: MachineView; setFolders(): Promise<void> };
}

export interface SharedFoldersOptions {
  readonly path: string;
  readonly berthHome: string;
  readonly driver: Pick<MachineDriver, "features" | "sharedFoldersRefusal" | "sharedFolderFailures">;
  readonly machineOf: (environmentId: string) => FolderMachine;
  readonly environmentExists: (environmentId: string) => boolean;
  readonly now: () => number;
}

export interface SharedFolderWish {
  readonly environmentId: string;
  readonly localFolder: string;
  /** Empty: the folder's own. */
  readonly name: string;
  readonly writable: boolean;
}

/**
 * Folders of this computer that environments see in /mnt/host. A machine has those that it was started with, so that a
 * change comes with its next start; nobody's machine is restarted for it.
 */
export class SharedFolders {
  readonly #options: SharedFoldersOptions;
  readonly #store: SharedFolderStore;
  /** What each machine said of its folders, by the folder's tag. */
  readonly #told = new Map<string, Readonly<Record<string, string>>>();

  private constructor(options: SharedFoldersOptions, store: SharedFolderStore) {
    this.#options = options;
    this.#store = store;
  }

  static async open(options: SharedFoldersOptions): Promise<SharedFolders> {
    return new SharedFolders(options, await SharedFolderStore.open(options.path));
  }

  /** All there are, the oldest first, and after them those that were removed and that a machine still has. */
  get all(): readonly SharedFolderView[] {
    const wanted = this.#wanted();
    const removed = this.#store.started.filter(
      (started) =>
        !wanted.some(({ id }) => id === started.id) && this.#options.environmentExists(started.environmentId) && this.#isUp(started),
    );
    return [
      ...wanted.map((record) => ({ record, ...this.#stateOf(record) })),
      ...removed.map((record) => ({ record, state: "removed" as const, detail: "" })),
    ];
  }

  /** Fails with `folder-not-shareable`, `folder-sharing-unavailable` or `argument-invalid`. */
  async add(wish: SharedFolderWish): Promise<SharedFolderView> {
    const { driver, machineOf, now } = this.#options;
    const refusal = driver.sharedFoldersRefusal();
    if (refusal !== undefined) throw refusal;
    if (driver.features.sharedFolders === "none") throw new BerthError("folder-sharing-unavailable", "these machines cannot have any");
    if (driver.features.sharedFolders === "writable" && !wish.writable)
      throw new BerthError("folder-sharing-unavailable", "these machines can have a folder only with the right to change it");
    const localFolder = await this.#shareable(wish.localFolder);
    const name =
      wish.name === ""
        ? basename(localFolder)
            .replaceAll(/[^A-Za-z0-9._-]/g, "_")
            .replace(/^[.-]+/, "")
        : wish.name;
    if (!namePattern.test(name)) throw new BerthError("argument-invalid", `'${name}' is no name: letters, digits and . _ - only`);
    const wanted = this.#wanted();
    const taken = wanted.find((other) => other.environmentId === wish.environmentId && other.name === name);
    if (taken !== undefined) {
      if (taken.localFolder === localFolder && taken.writable === wish.writable) return { record: taken, ...this.#stateOf(taken) };
      throw new BerthError("argument-invalid", `the environment has ${taken.localFolder} as '${name}' already; give it another name`);
    }
    const machine = machineOf(wish.environmentId);
    if (wanted.filter((other) => machineOf(other.environmentId).id === machine.id).length >= maxFoldersPerMachine)
      throw new BerthError("folder-not-shareable", `the machine has ${maxFoldersPerMachine} folders already, which is all it can have`);
    const { environmentId, writable } = wish;
    const record = { id: randomUUID(), environmentId, localFolder, name, writable, addedAtMs: now() };
    await this.#store.setFolders([...wanted, record]);
    return { record, ...this.#stateOf(record) };
  }

  /** Its files stay. Fails with `shared-folder-not-found`. */
  async remove(id: string): Promise<void> {
    const record = this.#wanted().find((each) => each.id === id);
    if (record === undefined) throw new BerthError("shared-folder-not-found", `'${id}'`);
    await this.#store.setFolders(this.#wanted().filter((each) => each !== record));
    await this.#options.machineOf(record.environmentId).keeper.setFolders();
  }

  /** What a machine is to be started with; one that goes on keeps what it has. */
  async toStart(machineId: string, { goesOn }: { readonly goesOn: boolean }): Promise<readonly SharedFolder[]> {
    if (!goesOn) {
      this.#told.delete(machineId);
      await this.#store.setStarted(
        machineId,
        this.#wanted().filter(({ environmentId }) => this.#options.machineOf(environmentId).id === machineId),
      );
    }
    return this.#store
      .startedOn(machineId)
      .map((record) => ({ tag: tagOf(record), hostPath: record.localFolder, readOnly: !record.writable }));
  }

  /** What a machine mounts of those that it was started with: all that were not removed since. */
  sourceOf(machineId: string): FolderSource {
    return {
      wanted: async () => {
        const wanted = new Set(this.#wanted().map(({ id }) => id));
        const folders = this.#store.startedOn(machineId).filter(({ id }) => wanted.has(id));
        return {
          folders: folders.map((record) => ({
            tag: tagOf(record),
            environmentId: record.environmentId,
            name: record.name,
            readOnly: !record.writable,
          })),
        };
      },
      told: (failures) => void this.#told.set(machineId, failures),
    };
  }

  /** Without those of environments that were deleted. */
  #wanted(): readonly SharedFolderRecord[] {
    return this.#store.folders.filter(({ environmentId }) => this.#options.environmentExists(environmentId));
  }

  #isUp({ environmentId }: SharedFolderRecord): boolean {
    const { view } = this.#options.machineOf(environmentId).keeper;
    return view !== "off" && view !== "failed";
  }

  #stateOf(record: SharedFolderRecord): Omit<SharedFolderView, "record"> {
    const { id, keeper } = this.#options.machineOf(record.environmentId);
    const tag = tagOf(record);
    if (!this.#isUp(record)) return { state: "waiting", detail: "" };
    if (!this.#store.startedOn(id).some((started) => started.id === record.id)) return { state: "restart-needed", detail: "" };
    const failure = this.#options.driver.sharedFolderFailures(id).get(tag) ?? this.#told.get(id)?.[tag];
    if (failure !== undefined) return { state: "failed", detail: failure };
    return { state: keeper.view === "busy" ? "waiting" : "shared", detail: "" };
  }

  async #shareable(folder: string): Promise<string> {
    const refuse = (why: string): never => {
      throw new BerthError("folder-not-shareable", `${folder}: ${why}`);
    };
    if (!isAbsolute(folder)) throw new BerthError("argument-invalid", `'${folder}' is no absolute path`);
    const real = await realpath(folder).catch((error: unknown) => refuse(messageOf(error)));
    if (!(await lstat(real)).isDirectory()) refuse("it is no folder");
    if (isWithin(real, await realpath(homedir()))) refuse("it holds all that is yours, keys and passwords too; name a folder in it");
    const berthHome = await realpath(this.#options.berthHome);
    if (isWithin(real, berthHome) || isWithin(berthHome, real)) refuse("Berth's own files are there");
    if (systemFolders.some((system) => isWithin(system, real))) refuse("it is the system's own");
    return real;
  }
}

/** What tells of the computer or changes it when it is read or written. */
const systemFolders: readonly string[] = ["/proc", "/sys", "/dev", "/run", "/etc", "/boot"];

/** Up to 36 bytes are allowed (virtio-v1.2, 5.11.4). */
function tagOf({ id }: SharedFolderRecord): string {
  return id.replaceAll("-", "");
}
