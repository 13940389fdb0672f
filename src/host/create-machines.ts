import { MachineKeeper } from "../engine/machine-keeper.ts";
import type { MachineKeeperOptions, MachineTemplate } from "../engine/machine-view.ts";
import { type KeptMachine, Machines } from "../engine/machines.ts";
import type { Log } from "../lib/log.ts";
import type { MachineDriver, MachineSpec } from "../vm/driver.ts";
import { MachineImages, type MachineImagesOptions } from "../vm/image/machine-images.ts";
import { checkMemory, type MachineMemory } from "./memory-guard.ts";
import { LinkNameServers } from "./network/link-name-servers.ts";
import { currentNameServers } from "./network/name-servers.ts";
import { collectNetwork } from "./network/machine-network.ts";
import type { NetworkSettings } from "./network/network-settings.ts";
import type { MachineSize } from "./settings.ts";
import type { SharedFolders } from "./shared-folders/shared-folders.ts";
import { type DedicatedSizes, type HostSettings, type MachineSizes, memoryLeftBytes } from "./settings/host-settings.ts";

/** What the host keeps for a machine beside its keeper. */
interface MachineParts {
  readonly images: MachineImages;
  readonly sizes: HostSettings | DedicatedSizes;
}

export interface HostMachines {
  readonly machines: Machines;
  /** Which image a machine boots. */
  imagesOf(machine: KeptMachine): MachineImages;
  /** How big a machine is. */
  sizesOf(machine: KeptMachine): MachineSizes;
}

export interface HostMachinesOptions extends Omit<MachineImagesOptions, "machineId"> {
  readonly env: NodeJS.ProcessEnv;
  readonly driver: MachineDriver;
  readonly log: Log;
  readonly settings: HostSettings;
  readonly networkSettings: NetworkSettings;
  readonly isDedicated: (environmentId: string) => boolean;
  /** What an environment's class says of the size of its own machine. Fails where this computer has no such machine. */
  readonly classSize: (environmentId: string) => Partial<MachineSize>;
  /** What people call the environment of a machine. */
  readonly nameOf: (environmentId: string) => string;
  readonly computerMemoryBytes: number;
  readonly sharedFolders: Pick<SharedFolders, "toStart" | "sourceOf">;
  /** A suspended machine that environments' own machines start as copies of, in the place of a first boot. */
  readonly template?: MachineTemplate;
}

/** All machines, each with an image and a size of its own. */
export function createMachines(options: HostMachinesOptions): HostMachines {
  const { driver, log, now, settings, isDedicated, classSize } = options;
  const parts = new WeakMap<MachineKeeper, MachineParts>();
  const partsOf = ({ id, keeper }: KeptMachine): MachineParts => {
    const found = parts.get(keeper);
    if (found === undefined) throw new Error(`the machine ${id} was not made here`);
    return found;
  };
  const machines: Machines = new Machines({
    driver,
    log,
    isDedicated,
    make: (id, environmentId) => {
      const images = new MachineImages({ ...options, machineId: id });
      const sizes = environmentId === undefined ? settings : sizesByClass(settings.dedicated(id), () => classSize(environmentId));
      const mayStart = (): void => {
        if (environmentId === undefined) return;
        classSize(environmentId);
        refuseTooMany(machines, partsOf, options, environmentId);
      };
      const started = machineSource({ ...options, id, images, sizes, mayStart });
      const copies = environmentId === undefined || options.template === undefined ? {} : { template: options.template };
      const keeper = new MachineKeeper({ driver, id, log, now, judge: images, ...started, ...copies });
      parts.set(keeper, { images, sizes });
      return keeper;
    },
    // What this computer does not have, the machine says when the container is to be made.
    fit: async (id, needs) => {
      const machine = machines.find(id);
      const sizes = machine === undefined ? undefined : partsOf(machine).sizes;
      return sizes !== undefined && "noteNeeds" in sizes && !isLess(settings.greatestSize, needs) && fit(sizes, needs);
    },
    onRemoved: async (id) => settings.dedicated(id).noteReset(),
  });
  return { machines, imagesOf: (machine) => partsOf(machine).images, sizesOf: (machine) => partsOf(machine).sizes };
}

/** What a class says counts, whatever else asks for more. One that does not fit is told when the machine is to start. */
function sizesByClass(sizes: DedicatedSizes, classSize: () => Partial<MachineSize>): DedicatedSizes {
  return {
    get startedSize() {
      return sizes.startedSize;
    },
    get nextSize() {
      try {
        return { ...sizes.nextSize, ...classSize() };
      } catch {
        return sizes.nextSize;
      }
    },
    noteStart: async (size) => sizes.noteStart(size),
    noteNeeds: async (needs) => sizes.noteNeeds(needs),
    noteReset: async () => sizes.noteReset(),
  };
}

/** Whether a machine that runs with less than is needed would have more at its next start, which it is made to remember. */
async function fit(sizes: DedicatedSizes, needs: MachineSize): Promise<boolean> {
  const { startedSize } = sizes;
  if (startedSize === undefined || !isLess(startedSize, needs)) return false;
  await sizes.noteNeeds(needs);
  return isLess(startedSize, sizes.nextSize);
}

function isLess(size: MachineSize, than: MachineSize): boolean {
  return size.cpus < than.cpus || size.memoryBytes < than.memoryBytes || size.dataDiskLimitBytes < than.dataDiskLimitBytes;
}

interface Source extends MachineParts, Pick<HostMachinesOptions, "driver" | "env" | "networkSettings" | "sharedFolders"> {
  readonly id: string;
  /** Throws where a machine that does not run yet must not be started. */
  readonly mayStart: () => void;
}

/** What a machine is started as, and how it is told to get to the world. */
function machineSource({
  id,
  driver,
  env,
  images,
  sizes,
  networkSettings,
  sharedFolders,
  mayStart,
}: Source): Pick<MachineKeeperOptions, "network" | "folders" | "spec"> {
  const linkNameServers = new LinkNameServers(currentNameServers);
  return {
    folders: sharedFolders.sourceOf(id),
    network: async () => {
      const { network } = await collectNetwork(networkSettings.stored, env);
      return { ...network, nameServers: linkNameServers.toTell(network.nameServers) };
    },
    spec: async (signal): Promise<MachineSpec> => {
      // At once: of two that begin together the second must see the first.
      const refusal = refusalOf(mayStart);
      const status = await driver.inspect(id);
      const isRunning = status.state === "running" || status.state === "paused";
      if (!isRunning && refusal !== undefined) throw refusal;
      await linkNameServers.noteStart({ isRunning });
      const goesOn = isRunning || (status.state === "off" && status.suspended !== undefined);
      const image = await images.next(signal);
      return { id, image, ...(await sizeToStart(sizes, { goesOn })), sharedFolders: await sharedFolders.toStart(id, { goesOn }) };
    },
  };
}

function refusalOf(check: () => void): Error | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** A machine that runs or was suspended keeps the size it was started with; one that is booted now gets what is set. */
async function sizeToStart(sizes: MachineSizes, { goesOn }: { readonly goesOn: boolean }): Promise<MachineSize> {
  if (goesOn) return sizes.startedSize ?? sizes.nextSize;
  const size = sizes.nextSize;
  await sizes.noteStart(size);
  return size;
}

/** Fails with `computer-memory-short` where this computer cannot spare the memory of one more machine. */
function refuseTooMany(
  machines: Machines,
  partsOf: (machine: KeptMachine) => MachineParts,
  { nameOf, computerMemoryBytes }: Pick<HostMachinesOptions, "nameOf" | "computerMemoryBytes">,
  environmentId: string,
): void {
  const memoryOf = (machine: KeptMachine, runs: boolean): MachineMemory => {
    const { startedSize, nextSize } = partsOf(machine).sizes;
    const { memoryBytes } = runs ? (startedSize ?? nextSize) : nextSize;
    return { name: machine.environmentId === undefined ? "the shared machine" : nameOf(machine.environmentId), memoryBytes };
  };
  const wanted = machines.kept(environmentId);
  checkMemory({
    computerBytes: computerMemoryBytes,
    reserveBytes: memoryLeftBytes,
    // A suspended machine is continued as it was.
    wanted: memoryOf(wanted, wanted.keeper.view === "asleep"),
    others: machines.all.filter((machine) => machine !== wanted && takesMemory(machine)).map((machine) => memoryOf(machine, true)),
  });
}

function takesMemory({ keeper }: KeptMachine): boolean {
  return keeper.view === "ready" || keeper.view === "paused" || keeper.view === "busy" || keeper.waking;
}
