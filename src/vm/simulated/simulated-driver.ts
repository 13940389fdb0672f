import type { ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { randomBytes, randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { createServer, type Http2Server } from "node:http2";
import { join } from "node:path";
import { BerthError } from "../../contract/berth-error.ts";
import { AgentService } from "../../contract/gen/berth/v1/agent_pb.js";
import { TerminalService } from "../../contract/gen/berth/v1/terminal_pb.js";
import { acceptSession } from "../../lib/agent-transport.ts";
import { wirePair } from "../../lib/wire-pair.ts";
import { linkKeyBytes, serveLink } from "../../lib/link.ts";
import { FileDataDisk } from "../data-disk.ts";
import type {
  AgentStream,
  DataDisk,
  DriverFeatures,
  DriverProbe,
  MachineDriver,
  MachineExit,
  MachineIdentity,
  MachineSpec,
  MachineStatus,
  MachineUsage,
} from "../driver.ts";
import { newIdentity } from "../machine-identity.ts";
import { failBootImage } from "./sentinels.ts";
import { bootDisk, simulatedImageOf } from "./simulated-image.ts";
import { simulatedAgent } from "./simulated-agent.ts";
import { SimulatedDisk } from "./simulated-disk.ts";

const machineIdPattern = /^[a-z0-9-]{1,32}$/;
const residentMemoryBytes = 64 * 1024 ** 2;

type PauseReason = Extract<MachineStatus, { readonly state: "paused" }>["reason"];

interface RunningMachine {
  readonly id: string;
  linkKey: Uint8Array;
  /** Of a copy that does not have it yet. */
  newIdentity: MachineIdentity | undefined;
  readonly startedAtMs: number;
  readonly server: Http2Server;
  readonly ended: AbortController;
  stream: AgentStream["stream"] | undefined;
  /** Ignores the power button, as a guest that hangs does. */
  readonly deaf: boolean;
  /** What a suspended one depends on. */
  readonly key: string;
}

/** The computer that simulated machines run on: they outlive a driver as processes outlive a host. */
export class SimulatedComputer {
  readonly machines = new Map<string, RunningMachine>();
  readonly exits = new Map<string, MachineExit>();
  readonly consoles = new Map<string, string>();
  readonly paused = new Map<string, PauseReason>();
  readonly suspended = new Map<string, { readonly machine: RunningMachine; readonly savedAtMs: number }>();
  readonly #listeners = new Set<(id: string) => void>();

  onChange(listener: (id: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ends a machine; what its disk holds by now is all that stays. */
  end(id: string, reason: MachineExit["reason"], detail: string): void {
    const machine = this.machines.get(id);
    if (machine === undefined) return;
    this.machines.delete(id);
    this.paused.delete(id);
    this.exits.set(id, { reason, detail, atMs: Date.now() });
    machine.ended.abort();
    machine.stream?.destroy();
    machine.server.close();
    this.announce(id);
  }

  suspend(id: string): void {
    const machine = this.machines.get(id);
    if (machine === undefined) return;
    this.machines.delete(id);
    this.suspended.set(id, { machine, savedAtMs: Date.now() });
    this.exits.set(id, { reason: "suspended", detail: "", atMs: Date.now() });
    machine.stream?.destroy();
    this.announce(id);
  }

  /** Continues a suspended machine where it depends on `key`; else it is lost, as when the power fails. */
  continueSuspended(id: string, key: string): boolean {
    const machine = this.suspended.get(id)?.machine;
    this.suspended.delete(id);
    if (machine === undefined) return false;
    if (machine.key !== key) {
      machine.ended.abort();
      machine.server.close();
      return false;
    }
    this.machines.set(id, machine);
    this.exits.delete(id);
    this.announce(id);
    return true;
  }

  /** By default as when the disk of this computer is full. */
  pause(id: string, reason: PauseReason = "host-disk-full"): void {
    this.paused.set(id, reason);
    this.announce(id);
  }

  announce(id: string): void {
    for (const listener of this.#listeners) listener(id);
  }
}

export interface SimulatedDriverOptions {
  readonly machinesFolder: string;
  readonly computer: SimulatedComputer;
  /** What the probe finds beside what is usual. */
  readonly probe?: Partial<DriverProbe>;
  /** As on a Mac. */
  readonly pauseForSleep?: boolean;
}

/**
 * Machines without a hypervisor, for tests and for work on what is above the driver: real framing, real
 * RPCs, a disk that lasts, and a course of events that sentinels steer (see sentinels.ts).
 */
export class SimulatedDriver implements MachineDriver {
  readonly name = "simulated";
  readonly features: DriverFeatures;
  readonly #folder: string;
  readonly #computer: SimulatedComputer;
  readonly #probe: Partial<DriverProbe>;

  constructor(options: SimulatedDriverOptions) {
    this.#folder = options.machinesFolder;
    this.#computer = options.computer;
    this.#probe = options.probe ?? {};
    this.features = {
      powerButton: true,
      usage: true,
      suspend: true,
      diskGrowsOnline: true,
      fork: true,
      sharedFolders: "any",
      pauseForSleep: options.pauseForSleep ?? false,
    };
  }

  async probe(): Promise<DriverProbe> {
    return { usable: true, accelerator: "simulated", reason: "", fix: "", version: "1", ...this.#probe };
  }

  async create(spec: MachineSpec, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await SimulatedDisk.create(this.#folderOf(spec.id), spec.dataDiskLimitBytes, simulatedImageOf(spec.image).dataSchema);
  }

  async start(spec: MachineSpec, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#computer.machines.has(spec.id)) return;
    const image = simulatedImageOf(spec.image);
    await SimulatedDisk.create(this.#folderOf(spec.id), spec.dataDiskLimitBytes, image.dataSchema);
    signal.throwIfAborted();
    if (this.#computer.machines.has(spec.id)) return;
    if (this.#computer.continueSuspended(spec.id, keyOf(spec))) return;
    await this.#run(spec, undefined);
  }

  async fork(spec: MachineSpec, templateId: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const template = this.#computer.suspended.get(templateId)?.machine;
    if (template?.key !== keyOf(spec)) throw new BerthError("fork-unavailable", `${templateId} is not suspended as it would have to be`);
    if (SimulatedDisk.exists(this.#folderOf(spec.id))) throw new BerthError("fork-unavailable", `${spec.id} has a disk already`);
    await SimulatedDisk.copy(this.#folderOf(templateId), this.#folderOf(spec.id));
    await this.#run(spec, template.linkKey);
  }

  async identityTaken(id: string): Promise<void> {
    const machine = this.#computer.machines.get(id);
    if (machine?.newIdentity === undefined) return;
    machine.linkKey = machine.newIdentity.linkKey;
    machine.newIdentity = undefined;
  }

  /** `templateKey`: the link key of the machine that this one is a copy of. */
  async #run(spec: MachineSpec, templateKey: Uint8Array | undefined): Promise<void> {
    const image = simulatedImageOf(spec.image);
    const disk = SimulatedDisk.open(this.#folderOf(spec.id));
    const ended = new AbortController();
    const { agent, terminals } = simulatedAgent({
      disk,
      bootId: randomUUID(),
      imageSha256: spec.image.sha256,
      folderTags: (spec.sharedFolders ?? []).map(({ tag }) => tag),
      ended: ended.signal,
      crash: () => this.#computer.end(spec.id, "crashed", "the simulated machine crashed"),
      powerOff: () => this.#computer.end(spec.id, "shutdown", ""),
    });
    const routes = (router: ConnectRouter): void => void router.service(AgentService, agent).service(TerminalService, terminals);
    const server = createServer(connectNodeAdapter({ routes }));
    server.on("session", (session) => session.on("error", () => undefined));
    server.on("sessionError", () => undefined);
    const boots = spec.image.sha256 !== failBootImage;
    this.#computer.machines.set(spec.id, {
      id: spec.id,
      linkKey: templateKey ?? randomBytes(linkKeyBytes),
      newIdentity: templateKey === undefined ? undefined : newIdentity(spec.id),
      startedAtMs: Date.now(),
      server,
      ended,
      stream: undefined,
      deaf: !boots,
      key: keyOf(spec),
    });
    this.#computer.exits.delete(spec.id);
    this.#computer.consoles.set(spec.id, boots ? "simulated: the agent is up\n" : "simulated: no init found\n");
    this.#computer.announce(spec.id);
    await bootDisk(disk, image);
    if (image.panics) this.#computer.end(spec.id, "panicked", "the simulated kernel panicked");
  }

  async inspect(id: string): Promise<MachineStatus> {
    if (!SimulatedDisk.exists(this.#folderOf(id))) return { state: "absent" };
    const machine = this.#computer.machines.get(id);
    const exit = this.#computer.exits.get(id);
    const saved = this.#computer.suspended.get(id);
    if (machine === undefined)
      return {
        state: "off",
        ...(exit === undefined ? {} : { exit }),
        ...(saved === undefined ? {} : { suspended: { savedAtMs: saved.savedAtMs } }),
      };
    const reason = this.#computer.paused.get(id);
    if (reason !== undefined) return { state: "paused", reason, startedAtMs: machine.startedAtMs };
    return { state: "running", startedAtMs: machine.startedAtMs };
  }

  async list(): Promise<readonly string[]> {
    try {
      return readdirSync(this.#folder).filter((name) => machineIdPattern.test(name));
    } catch {
      return [];
    }
  }

  sharedFoldersRefusal(): undefined {
    return undefined;
  }

  sharedFolderFailures(): ReadonlyMap<string, string> {
    return new Map();
  }

  onChange(listener: (id: string) => void): () => void {
    return this.#computer.onChange(listener);
  }

  async shutdown(id: string, options: { readonly graceMs: number; readonly signal: AbortSignal }): Promise<void> {
    const machine = this.#computer.machines.get(id);
    if (machine === undefined) return;
    if (!machine.deaf) return this.#computer.end(id, "shutdown", "");
    const waited = Promise.withResolvers<void>();
    const timer = setTimeout(() => waited.resolve(), options.graceMs);
    const onAbort = (): void => waited.reject(options.signal.reason);
    options.signal.addEventListener("abort", onAbort);
    try {
      await waited.promise;
    } finally {
      clearTimeout(timer);
      options.signal.removeEventListener("abort", onAbort);
    }
    await this.kill(id);
  }

  async kill(id: string): Promise<void> {
    this.#computer.end(id, "killed", "the machine was switched off");
  }

  async suspend(id: string, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    if (this.#computer.paused.has(id)) throw new BerthError("suspend-failed", "the machine is paused");
    this.#computer.suspend(id);
  }

  async pause(id: string): Promise<void> {
    if (this.#computer.machines.has(id)) this.#computer.pause(id, "requested");
  }

  async resume(id: string): Promise<void> {
    if (this.#computer.paused.delete(id)) this.#computer.announce(id);
  }

  async dialAgent(id: string, signal: AbortSignal): Promise<AgentStream> {
    signal.throwIfAborted();
    const machine = this.#computer.machines.get(id);
    if (machine === undefined) throw new BerthError("machine-unreachable", `the machine ${id} is not running`);
    machine.stream?.destroy();
    const [ours, theirs] = wirePair();
    ours.on("error", () => undefined);
    theirs.on("error", () => undefined);
    ours.once("close", () => theirs.destroy());
    theirs.once("close", () => ours.destroy());
    machine.stream = ours;
    const { linkKey, newIdentity: identity } = machine;
    if (!machine.deaf) serveLink(theirs, linkKey, (session) => acceptSession(machine.server, session));
    return { stream: ours, linkKey, ...(identity === undefined ? {} : { newIdentity: identity }) };
  }

  async consoleTail(id: string, maxBytes: number): Promise<string> {
    return (this.#computer.consoles.get(id) ?? "").slice(-maxBytes);
  }

  async usage(id: string): Promise<MachineUsage> {
    const machine = this.#computer.machines.get(id);
    const dataDiskAllocatedBytes = SimulatedDisk.allocatedBytes(this.#folderOf(id));
    if (machine === undefined) return { residentMemoryBytes: 0, cpuTimeMs: 0, dataDiskAllocatedBytes };
    return { residentMemoryBytes, cpuTimeMs: Date.now() - machine.startedAtMs, dataDiskAllocatedBytes };
  }

  async remove(id: string): Promise<void> {
    if (this.#computer.machines.has(id)) throw new BerthError("machine-running", `the machine ${id} runs`);
    this.#computer.continueSuspended(id, "");
    SimulatedDisk.remove(this.#folderOf(id));
    this.#computer.exits.delete(id);
  }

  dataDisk(id: string): DataDisk {
    return new FileDataDisk(SimulatedDisk.path(this.#folderOf(id)));
  }

  #folderOf(id: string): string {
    if (!machineIdPattern.test(id)) throw new BerthError("machine-not-found", `'${id}' is no machine's name`);
    return join(this.#folder, id);
  }
}

/** What a suspended machine is continued under. */
function keyOf({ image, cpus, memoryBytes, sharedFolders = [] }: MachineSpec): string {
  return JSON.stringify([image.sha256, cpus, memoryBytes, sharedFolders]);
}
