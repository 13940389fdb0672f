import type { Environment } from "../contract/gen/gitpod/v1/environment_pb.js";
import { sharedMachineId } from "../contract/machine-id.ts";
import type { Log } from "../lib/log.ts";
import type { MachineDriver, MachineSpec } from "../vm/driver.ts";
import type { MachineKeeper } from "./machine-keeper.ts";

/** Before the id of a dedicated machine; no other machine's id begins so. */
const dedicatedPrefix = "env-";
/** From the end of an environment's id, where it is random; its beginning is a time. A socket's path has room for no more. */
const idLetters = 12;

/** The id of the machine that an environment has to itself. */
export function dedicatedMachineId(environmentId: string): string {
  return `${dedicatedPrefix}${environmentId
    .toLowerCase()
    .replaceAll(/[^0-9a-z]/g, "")
    .slice(-idLetters)}`;
}

export interface KeptMachine {
  readonly id: string;
  /** Whose machine it is; nobody's where it is shared. */
  readonly environmentId: string | undefined;
  readonly keeper: MachineKeeper;
}

/** Told the environments that changed, or `all` those of the machine when the machine itself did. */
export type MachinesListener = (environmentIds: readonly string[] | "all", machine: KeptMachine) => void;

export type MachineNeeds = Pick<MachineSpec, "cpus" | "memoryBytes" | "dataDiskLimitBytes">;

export interface MachinesOptions {
  readonly driver: Pick<MachineDriver, "list">;
  /** Makes the keeper of a machine, which is an environment's own where one is named. */
  readonly make: (machineId: string, environmentId?: string) => MachineKeeper;
  /** Whether the class of an environment gives it a machine of its own. */
  readonly isDedicated: (environmentId: string) => boolean;
  /**
   * Whether an environment's own machine would be bigger after a restart, so that it is no smaller than its
   * environment needs; from then on it will be. Not given: machines have the size they have.
   */
  readonly fit?: (machineId: string, needs: MachineNeeds) => Promise<boolean>;
  /** A machine was removed with its disk for good. */
  readonly onRemoved?: (machineId: string) => Promise<void>;
  readonly log: Log;
}

/** All machines of this computer: the shared one, and one for each environment that has its own. */
export class Machines {
  readonly #options: MachinesOptions;
  /** Of all environments that have no other. */
  readonly shared: KeptMachine;
  readonly #dedicated = new Map<string, KeptMachine>();
  readonly #listeners = new Set<MachinesListener>();

  constructor(options: MachinesOptions) {
    this.#options = options;
    this.shared = this.#keep(sharedMachineId, undefined);
  }

  /** The shared one first, then in the order in which they were made. */
  get all(): readonly KeptMachine[] {
    return [this.shared, ...this.#dedicated.values()];
  }

  /** The keeper of the machine that an environment is on. */
  of(environmentId: string): MachineKeeper {
    return this.kept(environmentId).keeper;
  }

  /** The machine that an environment is on; an unknown environment would be on the shared one. */
  kept(environmentId: string): KeptMachine {
    if (!this.#options.isDedicated(environmentId)) return this.shared;
    const known = this.#dedicated.get(environmentId);
    if (known !== undefined) return known;
    const made = this.#keep(dedicatedMachineId(environmentId), environmentId);
    this.#dedicated.set(environmentId, made);
    return made;
  }

  find(machineId: string): KeptMachine | undefined {
    return this.all.find(({ id }) => id === machineId);
  }

  onChange(listener: MachinesListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Connects to the machines that run already. */
  async adopt(list: () => Promise<readonly Environment[]>): Promise<void> {
    // Environments after machines: a machine is made after its environment, which is on the list then.
    const found = await this.#options.driver.list();
    const environments = await list();
    this.#tellStrangers(found, environments);
    for (const { id } of environments) this.kept(id);
    await Promise.all(this.all.map(async ({ keeper }) => keeper.adopt()));
  }

  /**
   * Switches an environment's own machine off and removes it with its disk; `forget` removes the environment's record
   * after that. Whoever is killed in between finds the record still there, and does it again.
   */
  async remove(environmentId: string, signal: AbortSignal, forget: () => Promise<void>): Promise<void> {
    const { id, keeper } = this.kept(environmentId);
    await keeper.reset(signal);
    await this.#options.onRemoved?.(id);
    await forget();
    this.#dedicated.delete(environmentId);
    keeper.close();
    this.#tell("all", { id, environmentId, keeper });
  }

  /** Switches an environment's own machine off when it would be big enough for it after that. True: it is off. */
  async fit(environmentId: string, needs: MachineNeeds, signal: AbortSignal): Promise<boolean> {
    const { id, keeper, environmentId: owner } = this.kept(environmentId);
    if (owner === undefined || (await this.#options.fit?.(id, needs)) !== true) return false;
    this.#options.log.info("a machine is started anew, as big as its environment needs it", { machineId: id });
    await keeper.powerOff(signal);
    return true;
  }

  setNetwork(): void {
    for (const { keeper } of this.all) keeper.setNetwork();
  }

  setClock(): void {
    for (const { keeper } of this.all) keeper.setClock();
  }

  /** Lets go of the machines, which run on. */
  close(): void {
    for (const { keeper } of this.all) keeper.close();
  }

  /** A deletion removes the machine before the record, so whoever is here without one may hold the only copy of somebody's work. */
  #tellStrangers(found: readonly string[], environments: readonly Environment[]): void {
    const owned = new Set(environments.map(({ id }) => dedicatedMachineId(id)));
    for (const machineId of found)
      if (machineId.startsWith(dedicatedPrefix) && !owned.has(machineId))
        this.#options.log.warn("the environment of a machine is not known; the machine and its disk are left alone", { machineId });
  }

  #keep(id: string, environmentId: string | undefined): KeptMachine {
    const keeper = environmentId === undefined ? this.#options.make(id) : this.#options.make(id, environmentId);
    const machine = { id, environmentId, keeper };
    keeper.onChange((ids) => this.#tell(ids, machine));
    return machine;
  }

  #tell(environmentIds: readonly string[] | "all", machine: KeptMachine): void {
    for (const listener of this.#listeners) listener(environmentIds, machine);
  }
}
