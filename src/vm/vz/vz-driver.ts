import { statSync } from "node:fs";
import { BerthError } from "../../contract/berth-error.ts";
import { findProgram } from "../../lib/find-program.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import { identifyProcess, isSameProcess } from "../../lib/process-identity.ts";
import { waitUntil } from "../../lib/wait-until.ts";
import { connectAgentSocket } from "../agent-socket.ts";
import { ChangeWatch } from "../change-watch.ts";
import { childFailure, endProcess, lastWords, processUsage, spawnDetached } from "../child-process.ts";
import { FileDataDisk } from "../data-disk.ts";
import type {
  AgentStream,
  DataDisk,
  DriverProbe,
  MachineDriver,
  MachineExit,
  MachineSpec,
  MachineStatus,
  MachineUsage,
} from "../driver.ts";
import { checkCommas, checkHostSpace, listMachineFolders, type SavedProcess } from "../machine-folder.ts";
import { vfkitArguments } from "./arguments.ts";
import { type Live, newLive } from "./live.ts";
import { foldersToShare } from "./shared-folders.ts";
import { exitOf } from "./exit.ts";
import { startGvproxy } from "./gvproxy.ts";
import { VzMachineFolder } from "./machine-folder.ts";
import { probeVfkit } from "./probe.ts";
import { type VmState, VfkitRestClient } from "./rest-client.ts";

/** vfkit itself gives up after 5 s. */
const startTimeoutMs = 20_000;
const hardStopTimeoutMs = 5000;
const pauseTimeoutMs = 10_000;
/** A service of macOS runs the guest, and may hold its disk for so long after its vfkit was killed. */
const diskReleaseTimeoutMs = 15_000;
const diskRetryMs = 250;
const pollMs = 50;
/** How soon a machine that ended is noticed; vfkit tells nothing by itself. */
const livenessPollMs = 2000;

export interface VzDriverOptions {
  readonly machinesFolder: string;
  /** Short, and without characters that a URL escapes: sockets are below it. */
  readonly runFolder: string;
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
  /** Shares Rosetta with machines; takes effect at a machine's next start. */
  readonly rosetta: boolean;
}

/**
 * Runs machines on Apple's Virtualization framework, as vfkit processes that outlive this process. What is known of
 * a machine comes from its pid file and vfkit's REST service at every look, so that a new host adopts what an old
 * one left running. vfkit is never sent SIGTERM: it would pull the plug after five seconds.
 */
export class VzDriver implements MachineDriver {
  readonly name = "vz";
  readonly features = {
    powerButton: true,
    usage: false,
    suspend: false,
    diskGrowsOnline: false,
    fork: false,
    sharedFolders: "writable",
    pauseForSleep: true,
  } as const;
  readonly #options: VzDriverOptions;
  readonly #live = new Map<string, Live>();
  readonly #watch = new ChangeWatch(() => this.#look(), livenessPollMs);

  constructor(options: VzDriverOptions) {
    this.#options = options;
  }

  async probe(signal: AbortSignal): Promise<DriverProbe> {
    const path = this.#options.env["PATH"];
    return probeVfkit({ platform: process.platform, ...(path === undefined ? {} : { path }) }, signal);
  }

  async create(spec: MachineSpec, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const folder = this.#folder(spec.id);
    // The framework does not tell a guest of a disk that grew.
    if (this.#process(folder) === undefined) await folder.create(spec.dataDiskLimitBytes);
  }

  async start(spec: MachineSpec, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const folder = this.#folder(spec.id);
    const live = this.#liveOf(spec.id);
    if (live.starting) return;
    live.starting = true;
    try {
      await live.ending?.catch(() => undefined);
      if (await this.#isAdopted(folder, signal)) return;
      if (live.running && this.#process(folder) === undefined) await this.#afterEnd(spec.id, folder, await exitOf(folder));
      await folder.create(spec.dataDiskLimitBytes);
      await checkHostSpace(folder.folder);
      const probe = await this.probe(signal);
      if (!probe.usable) throw new BerthError("hypervisor-missing", `${probe.reason}; try: ${probe.fix}`);
      await this.#launch(spec, folder, signal).catch(async (error: unknown) => {
        await this.#endProcesses(folder);
        throw error;
      });
      live.exit = undefined;
      live.running = true;
    } finally {
      live.starting = false;
    }
    this.#watch.announce(spec.id);
  }

  async inspect(id: string): Promise<MachineStatus> {
    const folder = this.#folder(id);
    if (!folder.exists()) return { state: "absent" };
    const live = this.#liveOf(id);
    const process = this.#process(folder);
    if (process === undefined) return live.exit === undefined ? { state: "off" } : { state: "off", exit: live.exit };
    if (!live.starting) {
      live.running = true;
      live.paused = isPaused(await this.#stateOf(folder));
    }
    const { pid, startedAtMs } = process;
    return live.paused ? { state: "paused", reason: "requested", startedAtMs } : { state: "running", pid, startedAtMs };
  }

  async list(): Promise<readonly string[]> {
    return listMachineFolders(this.#options.machinesFolder);
  }

  sharedFoldersRefusal(): undefined {
    return undefined;
  }

  sharedFolderFailures(id: string): ReadonlyMap<string, string> {
    return this.#liveOf(id).folderFailures;
  }

  onChange(listener: (id: string) => void): () => void {
    return this.#watch.onChange(listener);
  }

  async shutdown(id: string, options: { readonly graceMs: number; readonly signal: AbortSignal }): Promise<void> {
    const folder = this.#folder(id);
    if (this.#process(folder) === undefined) return;
    await this.#rest(folder)
      .change("Stop")
      .catch(() => undefined);
    const graceful = await waitUntil(() => this.#process(folder) === undefined, {
      intervalMs: pollMs,
      signal: AbortSignal.any([options.signal, AbortSignal.timeout(options.graceMs)]),
    });
    options.signal.throwIfAborted();
    if (graceful) await this.#afterEnd(id, folder, { reason: "shutdown", detail: "", atMs: Date.now() });
    else await this.kill(id);
  }

  async kill(id: string): Promise<void> {
    const folder = this.#folder(id);
    await this.#endProcesses(folder);
    await this.#afterEnd(id, folder, { reason: "killed", detail: "the machine was switched off", atMs: Date.now() });
  }

  async suspend(id: string, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    if (this.#process(this.#folder(id)) !== undefined) throw new BerthError("suspend-failed", "vfkit cannot save a machine");
  }

  async fork(): Promise<void> {
    throw new BerthError("fork-unavailable", "vfkit cannot save a machine");
  }

  async identityTaken(): Promise<void> {
    // No machine of its is a copy.
  }

  async pause(id: string): Promise<void> {
    await this.#changeTo(id, "Pause", "Paused");
  }

  async resume(id: string): Promise<void> {
    await this.#changeTo(id, "Resume", "Running");
  }

  async dialAgent(id: string, signal: AbortSignal): Promise<AgentStream> {
    const folder = this.#folder(id);
    if (this.#process(folder) === undefined) throw new BerthError("machine-unreachable", `the machine ${id} is not running`);
    const live = this.#liveOf(id);
    live.agent?.stream.destroy();
    const stream = await connectAgentSocket(folder.paths.agentSocket, signal);
    live.agent = { stream, linkKey: folder.readLinkKey() };
    return live.agent;
  }

  async consoleTail(id: string, maxBytes: number): Promise<string> {
    return this.#folder(id).consoleTail(maxBytes);
  }

  /** Of vfkit itself; the guest's memory belongs to a service of macOS that runs it. */
  async usage(id: string): Promise<MachineUsage> {
    const folder = this.#folder(id);
    const process = this.#process(folder);
    const usage = process === undefined ? { residentMemoryBytes: 0, cpuTimeMs: 0 } : processUsage(process.pid);
    return { ...usage, dataDiskAllocatedBytes: folder.dataDiskAllocatedBytes() };
  }

  async remove(id: string): Promise<void> {
    const folder = this.#folder(id);
    if (this.#process(folder) !== undefined) throw new BerthError("machine-running", `the machine ${id} runs`);
    folder.remove();
    this.#live.delete(id);
  }

  dataDisk(id: string): DataDisk {
    return new FileDataDisk(this.#folder(id).dataDisk);
  }

  #folder(id: string): VzMachineFolder {
    return new VzMachineFolder({ machinesFolder: this.#options.machinesFolder, runFolder: this.#options.runFolder, id });
  }

  #rest(folder: VzMachineFolder): VfkitRestClient {
    return new VfkitRestClient(folder.paths.restSocket);
  }

  #liveOf(id: string): Live {
    const live = this.#live.get(id) ?? newLive();
    this.#live.set(id, live);
    return live;
  }

  #process(folder: VzMachineFolder): SavedProcess | undefined {
    const saved = folder.readProcess("vfkit");
    if (saved !== undefined) return saved;
    const stray = folder.readStray(folder.paths.pidFile);
    return stray === undefined ? undefined : { ...stray, startedAtMs: statSync(folder.paths.pidFile).mtimeMs };
  }

  /** Undefined when vfkit does not answer. */
  async #stateOf(folder: VzMachineFolder): Promise<VmState | undefined> {
    return this.#rest(folder)
      .state()
      .then(({ state }) => state)
      .catch(() => undefined);
  }

  /** Whether a machine that runs is ours and can be talked to; one without its REST service can only be ended. */
  async #isAdopted(folder: VzMachineFolder, signal: AbortSignal): Promise<boolean> {
    if (this.#process(folder) === undefined) return false;
    const rest = this.#rest(folder);
    const isOurs = await waitUntil(
      async () =>
        this.#process(folder) === undefined ||
        (await rest.diskPath("data").then(
          (path) => path === folder.dataDisk,
          () => false,
        )),
      { intervalMs: pollMs, signal: AbortSignal.any([signal, AbortSignal.timeout(hardStopTimeoutMs)]) },
    );
    signal.throwIfAborted();
    if (!isOurs) this.#options.log.warn("a vfkit that does not answer is ended", { folder: folder.folder });
    return isOurs && this.#process(folder) !== undefined;
  }

  async #launch(spec: MachineSpec, folder: VzMachineFolder, signal: AbortSignal): Promise<void> {
    checkCommas([spec.image.kernelPath, spec.image.initrdPath, spec.image.rootPath]);
    const { exit } = this.#liveOf(spec.id);
    const brokenOffAtMs =
      this.#process(folder) !== undefined ? Date.now() : exit === undefined || exit.reason === "shutdown" ? 0 : exit.atMs;
    const diskHeldUntilMs = brokenOffAtMs + diskReleaseTimeoutMs;
    await this.#endProcesses(folder);
    folder.removeSockets();
    folder.rotateConsole();
    await folder.makeLinkKey();
    await folder.writeConfigDisk();
    const { shared, failures } = foldersToShare(spec.sharedFolders ?? []);
    this.#liveOf(spec.id).folderFailures = failures;
    const args = vfkitArguments({
      spec: { ...spec, sharedFolders: shared },
      paths: folder.paths,
      network: (await startGvproxy({ folder, env: this.#options.env, log: this.#options.log }, signal)) ? "gvproxy" : "nat",
      formatToken: await folder.formatToken(),
      rosetta: this.#options.rosetta,
    });
    let failure: string | undefined;
    const runs = async (): Promise<boolean> => {
      failure = await this.#runVfkit(spec.id, args, folder, signal);
      return failure === undefined || Date.now() >= diskHeldUntilMs;
    };
    await waitUntil(runs, { intervalMs: diskRetryMs, signal });
    signal.throwIfAborted();
    if (failure !== undefined) throw new BerthError("hypervisor-failed", failure);
  }

  /** Resolves when the guest runs, or with why it does not. */
  async #runVfkit(id: string, args: readonly string[], folder: VzMachineFolder, signal: AbortSignal): Promise<string | undefined> {
    const { env } = this.#options;
    const child = spawnDetached(findProgram("vfkit", env["PATH"]) ?? "vfkit", args, folder.vfkitLog, env);
    const failed = childFailure(child);
    const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
    if (identity !== undefined) await folder.saveProcess("vfkit", identity);
    const ended = (): boolean => failed.error !== undefined || child.exitCode !== null || child.signalCode !== null;
    const up = await waitUntil(async () => ended() || (await this.#stateOf(folder)) === "Running", {
      intervalMs: pollMs,
      signal: AbortSignal.any([signal, AbortSignal.timeout(startTimeoutMs)]),
    });
    child.once("exit", () => this.#look());
    child.unref();
    if (up && !ended()) return undefined;
    const why = failed.error?.message ?? lastWords(folder.vfkitLog) ?? (ended() ? "vfkit ended at once" : "vfkit does not answer");
    await this.#endVfkit(folder);
    this.#options.log.info("vfkit did not start the machine", { id, reason: why });
    return why;
  }

  async #changeTo(id: string, change: "Pause" | "Resume", wanted: VmState): Promise<void> {
    const folder = this.#folder(id);
    if (this.#process(folder) === undefined) return;
    const rest = this.#rest(folder);
    try {
      if ((await rest.state()).state !== wanted) await rest.change(change);
    } catch (error) {
      throw new BerthError("hypervisor-failed", messageOf(error), { cause: error });
    }
    const reached = await waitUntil(async () => (await this.#stateOf(folder)) === wanted, {
      intervalMs: pollMs,
      signal: AbortSignal.timeout(pauseTimeoutMs),
    });
    if (!reached) throw new BerthError("hypervisor-failed", `the machine ${id} did not reach the state ${wanted}`);
    this.#liveOf(id).paused = wanted === "Paused";
    this.#watch.announce(id);
  }

  #look(): void {
    this.#checkMachines().catch((error: unknown) =>
      this.#options.log.warn("a machine's end was not dealt with", { reason: messageOf(error) }),
    );
  }

  /** Notices machines that ended, were paused or went on, whoever did it. */
  async #checkMachines(): Promise<void> {
    for (const [id, live] of this.#live) {
      if (!live.running || live.starting || live.ending !== undefined) continue;
      const folder = this.#folder(id);
      if (this.#process(folder) === undefined) await this.#afterEnd(id, folder, await exitOf(folder));
      else {
        const before = live.paused;
        live.paused = isPaused(await this.#stateOf(folder));
        if (before !== live.paused) this.#watch.announce(id);
      }
    }
  }

  async #afterEnd(id: string, folder: VzMachineFolder, exit: MachineExit): Promise<void> {
    const live = this.#liveOf(id);
    const ending = this.#putAway(live, folder, exit).finally(() => {
      if (live.ending === ending) live.ending = undefined;
    });
    live.ending = ending;
    await ending;
    this.#watch.announce(id);
  }

  async #putAway(live: Live, folder: VzMachineFolder, exit: MachineExit): Promise<void> {
    live.agent?.stream.destroy();
    live.agent = undefined;
    live.running = false;
    live.paused = false;
    live.exit = exit;
    await this.#endProcesses(folder);
    folder.removeSockets();
  }

  async #endProcesses(folder: VzMachineFolder): Promise<void> {
    await this.#endVfkit(folder);
    await endProcess(folder.readProcess("gvproxy"));
  }

  async #endVfkit(folder: VzMachineFolder): Promise<void> {
    const identity = this.#process(folder);
    if (identity === undefined) return;
    const asked = await this.#rest(folder)
      .change("HardStop")
      .then(
        () => true,
        () => false,
      );
    if (asked) await waitUntil(() => !isSameProcess(identity), { intervalMs: pollMs, signal: AbortSignal.timeout(hardStopTimeoutMs) });
    await endProcess(identity);
  }
}

function isPaused(state: VmState | undefined): boolean {
  return state === "Paused" || state === "Pausing";
}
