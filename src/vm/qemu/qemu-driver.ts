import { BerthError } from "../../contract/berth-error.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import { ChangeWatch } from "../change-watch.ts";
import { FileDataDisk } from "../data-disk.ts";
import type { AgentStream, DataDisk, DriverProbe, MachineDriver, MachineSpec, MachineStatus, MachineUsage } from "../driver.ts";
import { listMachineFolders } from "../machine-folder.ts";
import { MachineFolder } from "./machine-folder.ts";
import { probeQemu } from "./probe.ts";
import { QemuMachine } from "./qemu-machine.ts";
import { virtiofsdRefusal } from "./virtiofsd.ts";

/** How soon a machine that ended without a word is noticed. */
const livenessPollMs = 2000;

export interface QemuDriverOptions {
  readonly machinesFolder: string;
  /** Short: sockets are below it. */
  readonly runFolder: string;
  readonly arch: "amd64" | "arm64";
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Runs machines as QEMU processes that outlive this process. What is known of a machine comes from its
 * pid file and QMP at every look, so that a new host adopts what an old one left running.
 */
export class QemuDriver implements MachineDriver {
  readonly name = "qemu";
  readonly features = {
    powerButton: true,
    usage: true,
    suspend: true,
    diskGrowsOnline: true,
    fork: true,
    sharedFolders: "any",
    pauseForSleep: process.platform === "darwin",
  } as const;
  readonly #options: QemuDriverOptions;
  readonly #machines = new Map<string, QemuMachine>();
  readonly #watch = new ChangeWatch(() => this.#look(), livenessPollMs);

  constructor(options: QemuDriverOptions) {
    this.#options = options;
  }

  async probe(signal: AbortSignal): Promise<DriverProbe> {
    const { env, arch, machinesFolder } = this.#options;
    return probeQemu(
      {
        arch,
        cachePath: `${machinesFolder}/../accelerator.json`,
        wanted: env["BERTH_ACCELERATOR"],
        ...(env["PATH"] === undefined ? {} : { path: env["PATH"] }),
      },
      signal,
    );
  }

  async create(spec: MachineSpec, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#machine(spec.id).create(spec);
  }

  async start(spec: MachineSpec, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#machine(spec.id).start(spec, signal);
  }

  async inspect(id: string): Promise<MachineStatus> {
    return this.#machine(id).inspect();
  }

  async list(): Promise<readonly string[]> {
    return listMachineFolders(this.#options.machinesFolder);
  }

  sharedFoldersRefusal(): BerthError | undefined {
    return virtiofsdRefusal(this.#options.env);
  }

  sharedFolderFailures(id: string): ReadonlyMap<string, string> {
    return this.#machine(id).folderServers.failures();
  }

  onChange(listener: (id: string) => void): () => void {
    return this.#watch.onChange(listener);
  }

  async shutdown(id: string, options: { readonly graceMs: number; readonly signal: AbortSignal }): Promise<void> {
    await this.#machine(id).shutdown(options);
  }

  async kill(id: string): Promise<void> {
    await this.#machine(id).kill();
  }

  async suspend(id: string, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    await this.#machine(id).suspend(signal);
  }

  async fork(spec: MachineSpec, templateId: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#machine(spec.id).fork(spec, this.#machine(templateId).folder, signal);
  }

  async identityTaken(id: string): Promise<void> {
    await this.#machine(id).identityTaken();
  }

  async pause(id: string): Promise<void> {
    await this.#machine(id).pause();
  }

  async resume(id: string): Promise<void> {
    await this.#machine(id).resume();
  }

  async dialAgent(id: string, signal: AbortSignal): Promise<AgentStream> {
    return this.#machine(id).dialAgent(signal);
  }

  async consoleTail(id: string, maxBytes: number): Promise<string> {
    return this.#machine(id).folder.consoleTail(maxBytes);
  }

  async usage(id: string): Promise<MachineUsage> {
    return this.#machine(id).usage();
  }

  async remove(id: string): Promise<void> {
    const machine = this.#machine(id);
    if (machine.process !== undefined) throw new BerthError("machine-running", `the machine ${id} runs`);
    machine.folder.remove();
    this.#machines.delete(id);
  }

  dataDisk(id: string): DataDisk {
    return new FileDataDisk(this.#machine(id).folder.paths.dataDisk);
  }

  #machine(id: string): QemuMachine {
    const { machinesFolder, runFolder, log, env } = this.#options;
    const known = this.#machines.get(id);
    if (known !== undefined) return known;
    const machine = new QemuMachine({
      folder: new MachineFolder({ machinesFolder, runFolder, id }),
      probe: async (signal) => this.probe(signal),
      log,
      env,
      onChange: () => this.#watch.announce(id),
    });
    this.#machines.set(id, machine);
    return machine;
  }

  /** Notices machines that ended without telling, e.g. killed by someone else. */
  #look(): void {
    for (const machine of this.#machines.values())
      machine
        .checkLiveness()
        .catch((error: unknown) => this.#options.log.warn("a machine's end was not dealt with", { reason: messageOf(error) }));
  }
}
