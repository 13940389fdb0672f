import { statSync } from "node:fs";
import { cpus } from "node:os";
import { BerthError } from "../../contract/berth-error.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import { identifyProcess } from "../../lib/process-identity.ts";
import { waitUntil } from "../../lib/wait-until.ts";
import { connectAgentSocket } from "../agent-socket.ts";
import { childFailure, endProcess, lastWords, processUsage, spawnDetached } from "../child-process.ts";
import type { AgentStream, DriverProbe, MachineExit, MachineSpec, MachineStatus, MachineUsage } from "../driver.ts";
import { checkHostSpace, type SavedProcess } from "../machine-folder.ts";
import { type ArgumentOptions, qemuArguments, sharedArguments } from "./arguments.ts";
import type { MachineFolder } from "./machine-folder.ts";
import { abandonSave, loadMachine, saveMachine } from "./migrate.ts";
import { startPasst } from "./passt.ts";
import { FolderServers } from "./virtiofsd.ts";
import { qemuProgram } from "./probe.ts";
import { QmpClient, type QmpEvent, runStateOf } from "./qmp.ts";
import { stateKey } from "./saved-state.ts";

const startTimeoutMs = 20_000;
const killTimeoutMs = 10_000;
const pollMs = 5;
/** Older ones cannot write memory to fixed places of a file. */
const firstSuspendingMajorVersion = 9;
/** Run states of QEMU (qapi/run-state.json) in which somebody stopped the guest, or did not let it go on yet. */
const stoppedStates = new Set(["paused", "inmigrate", "finish-migrate", "postmigrate", "prelaunch"]);

interface Launch {
  readonly qemu: string;
  readonly options: Omit<ArgumentOptions, "formatToken">;
  /** See `stateKey`. */
  readonly key: string;
}

export interface QemuMachineOptions {
  readonly folder: MachineFolder;
  readonly probe: (signal: AbortSignal) => Promise<DriverProbe>;
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
  /** Called after every change of `inspect`'s answer that is noticed. */
  readonly onChange: () => void;
}

/** One machine of the QEMU driver; its methods are those of `MachineDriver`. */
export class QemuMachine {
  readonly folder: MachineFolder;
  readonly #options: QemuMachineOptions;
  #qmp: QmpClient | undefined;
  #paused: "host-disk-full" | "requested" | undefined;
  #exit: MachineExit | undefined;
  readonly folderServers: FolderServers;
  #agent: AgentStream | undefined;
  #starting = false;
  #suspending: Promise<void> | undefined;
  /** What is left of a machine that ended is being put away; its next start must not be taken for it. */
  #ending: Promise<void> | undefined;

  constructor(options: QemuMachineOptions) {
    this.#options = options;
    this.folder = options.folder;
    this.folderServers = new FolderServers(options.folder, options.env);
  }

  /** The living hypervisor, whoever started it. */
  get process(): SavedProcess | undefined {
    const saved = this.folder.readProcess("qemu");
    if (saved !== undefined) return saved;
    const stray = this.folder.readStray(this.folder.paths.pidFile);
    return stray === undefined ? undefined : { ...stray, startedAtMs: statSync(this.folder.paths.pidFile).mtimeMs };
  }

  async create(spec: MachineSpec): Promise<void> {
    if (this.process !== undefined) return this.#growRunning(spec.dataDiskLimitBytes);
    // The guest that will be continued knows the disk as it is.
    if ((await this.folder.saved.read()) === undefined) await this.folder.create(spec.dataDiskLimitBytes);
  }

  /** QEMU itself makes the file longer and tells the guest. */
  async #growRunning(limitBytes: number): Promise<void> {
    const qmp = await this.#connectedQmp();
    if (qmp === undefined || statSync(this.folder.paths.dataDisk).size >= limitBytes) return;
    await qmp.execute("block_resize", { "node-name": "data", size: limitBytes });
  }

  async start(spec: MachineSpec, signal: AbortSignal): Promise<void> {
    if (this.#starting) return;
    this.#starting = true;
    try {
      await this.#suspending?.catch(() => undefined);
      await this.#ending?.catch(() => undefined);
      if (await this.#goesOn()) return;
      await this.create(spec);
      await this.#launch(spec, signal).catch(async (error: unknown) => {
        await this.#endProcesses();
        throw error;
      });
      this.#exit = undefined;
    } finally {
      this.#starting = false;
    }
    this.#options.onChange();
  }

  /** Whether it runs already. One whose saving or loading an earlier host did not finish goes on from where it is. */
  async #goesOn(): Promise<boolean> {
    if (this.process === undefined) return false;
    const qmp = await this.#connectedQmp();
    if (qmp === undefined || this.#paused !== "requested") return true;
    if ((await runStateOf(qmp)) === "inmigrate") {
      await this.#endProcesses();
      return false;
    }
    await abandonSave(qmp);
    return true;
  }

  async inspect(): Promise<MachineStatus> {
    if (!this.folder.exists()) return { state: "absent" };
    const { process } = this;
    if (process === undefined) {
      const saved = await this.folder.saved.read();
      return {
        state: "off",
        ...(this.#exit === undefined ? {} : { exit: this.#exit }),
        ...(saved === undefined ? {} : { suspended: { savedAtMs: saved.savedAtMs } }),
      };
    }
    if (!this.#starting) await this.#connectedQmp();
    const { startedAtMs } = process;
    if (this.#paused !== undefined) return { state: "paused", reason: this.#paused, startedAtMs };
    return { state: "running", pid: process.pid, startedAtMs };
  }

  async shutdown(options: { readonly graceMs: number; readonly signal: AbortSignal }): Promise<void> {
    if (this.process === undefined) return;
    const qmp = await this.#connectedQmp();
    await qmp?.execute("system_powerdown").catch(() => undefined);
    const graceful = await waitUntil(() => this.process === undefined, {
      intervalMs: pollMs,
      signal: AbortSignal.any([options.signal, AbortSignal.timeout(options.graceMs)]),
    });
    options.signal.throwIfAborted();
    if (graceful) await this.#afterEnd({ reason: "shutdown", detail: "", atMs: Date.now() });
    else await this.kill();
  }

  async kill(): Promise<void> {
    await this.#endProcesses();
    await this.#afterEnd({ reason: "killed", detail: "the machine was switched off", atMs: Date.now() });
  }

  async suspend(signal: AbortSignal): Promise<void> {
    if (this.process === undefined) return;
    this.#suspending ??= this.#save(signal).finally(() => (this.#suspending = undefined));
    await this.#suspending;
    this.#options.onChange();
  }

  async #save(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { saved, folder } = this.folder;
    const { version } = await this.#options.probe(signal);
    if (Number(version.split(".")[0]) < firstSuspendingMajorVersion)
      throw new BerthError("suspend-failed", `QEMU ${version} cannot; ${firstSuspendingMajorVersion}.0 or newer can`);
    const key = this.process?.stateKey;
    const qmp = await this.#connectedQmp();
    if (key === undefined || qmp === undefined) throw new BerthError("suspend-failed", "the hypervisor cannot be reached");
    if (this.#paused !== undefined) throw new BerthError("suspend-failed", "the machine is paused");
    await checkHostSpace(folder, this.usage().residentMemoryBytes);
    await saved.prepare();
    try {
      await saveMachine(qmp, saved.path, signal);
    } catch (error) {
      await abandonSave(qmp).catch((abandoned: unknown) =>
        this.#options.log.warn("the machine does not go on", { reason: messageOf(abandoned) }),
      );
      await saved.discard();
      signal.throwIfAborted();
      throw new BerthError("suspend-failed", messageOf(error), { cause: error });
    }
    const exit: MachineExit = { reason: "suspended", detail: "", atMs: Date.now() };
    this.#exit = exit;
    await qmp.execute("quit").catch(() => undefined);
    await waitUntil(() => this.process === undefined, { intervalMs: pollMs, signal: AbortSignal.timeout(killTimeoutMs) });
    await this.#endProcesses();
    await saved.commit(key, Date.now());
    await this.#afterEnd(exit);
  }

  /** See `MachineDriver.fork`. The template's memory is read and never written to, so that any number of copies can be made at once. */
  async fork(spec: MachineSpec, template: MachineFolder, signal: AbortSignal): Promise<void> {
    if (this.#starting || this.folder.exists()) throw new BerthError("fork-unavailable", `${spec.id} has a disk already`);
    this.#starting = true;
    try {
      this.folder.makeFolders();
      const launch = await this.#makeReady(spec, signal);
      if ((await template.saved.read())?.key !== launch.key)
        throw new BerthError("fork-unavailable", "the template was not suspended, or not as it would be started now");
      await this.folder.copyFrom(template, spec.id, signal);
      await (await this.#load(launch, template.saved.path, signal)).execute("cont");
      this.#exit = undefined;
    } catch (error) {
      await this.#endProcesses();
      this.folder.removeCopy();
      throw error;
    } finally {
      this.#starting = false;
    }
    this.#options.onChange();
  }

  async identityTaken(): Promise<void> {
    await this.folder.identityTaken();
  }

  async pause(): Promise<void> {
    if (this.process !== undefined) await (await this.#connectedQmp())?.execute("stop");
  }

  async resume(): Promise<void> {
    await (await this.#connectedQmp())?.execute("cont");
  }

  async dialAgent(signal: AbortSignal): Promise<AgentStream> {
    if (this.process === undefined) throw new BerthError("machine-unreachable", "the machine is not running");
    this.#agent?.stream.destroy();
    const socket = await connectAgentSocket(this.folder.paths.agentSocket, signal);
    this.#agent = { stream: socket, ...this.folder.keys() };
    return this.#agent;
  }

  usage(): MachineUsage {
    const { process, folder } = this;
    const usage = process === undefined ? { residentMemoryBytes: 0, cpuTimeMs: 0 } : processUsage(process.pid);
    return { ...usage, dataDiskAllocatedBytes: folder.dataDiskAllocatedBytes() };
  }

  /** Notices an end that nobody told of. */
  async checkLiveness(): Promise<void> {
    if (this.#starting || this.#suspending !== undefined || this.#ending !== undefined) return;
    if (!this.folder.exists() || this.process !== undefined) return;
    if (this.#qmp === undefined && this.#agent === undefined && this.#exit !== undefined) return;
    await this.#afterEnd(this.#exit ?? { reason: "crashed", detail: "the hypervisor's process is gone", atMs: Date.now() });
  }

  /** Ends what is left of an earlier start, starts the network, and tells what QEMU is to be run as. */
  async #makeReady(spec: MachineSpec, signal: AbortSignal): Promise<Launch> {
    const { folder } = this;
    const { env, log } = this.#options;
    await checkHostSpace(folder.folder);
    const probe = await this.#options.probe(signal);
    if (!probe.usable) throw new BerthError("hypervisor-missing", probe.reason);
    const accelerator = probe.accelerator === "kvm" || probe.accelerator === "hvf" ? probe.accelerator : "tcg";
    await this.#endProcesses();
    folder.removeSockets();
    const network = (await startPasst(folder, env, log, signal)) ? "passt" : "slirp";
    const folders = await this.folderServers.start(spec.sharedFolders ?? [], signal);
    const options = { spec, paths: folder.paths, accelerator, network, folders } as const;
    const key = stateKey({
      qemuVersion: probe.version,
      args: sharedArguments(options),
      imageSha256: spec.image.sha256,
      processor: cpus()[0]?.model ?? "",
    });
    // Cleared before, because the new process may tell of its own end while it is waited for.
    this.#exit = undefined;
    this.#paused = undefined;
    return { qemu: qemuProgram(spec.image.arch, env["PATH"]), options, key };
  }

  async #launch(spec: MachineSpec, signal: AbortSignal): Promise<void> {
    const { folder } = this;
    const launch = await this.#makeReady(spec, signal);
    const saved = await folder.saved.read();
    if (saved?.key === launch.key) return this.#continueSaved(launch, signal, async () => this.#launch(spec, signal));
    if (saved !== undefined) this.#options.log.warn("the suspended machine is booted, because what it ran on has changed");
    await folder.saved.discard();
    folder.rotateConsole();
    await folder.makeLinkKey();
    await this.#run(launch, qemuArguments({ ...launch.options, formatToken: await folder.formatToken() }), signal);
  }

  /** What cannot be continued is booted. */
  async #continueSaved(launch: Launch, signal: AbortSignal, boot: () => Promise<void>): Promise<void> {
    const { saved } = this.folder;
    try {
      const qmp = await this.#load(launch, saved.path, signal);
      await saved.forget();
      await qmp.execute("cont");
    } catch (error) {
      signal.throwIfAborted();
      this.#options.log.warn("the suspended machine could not be continued and is booted", { reason: messageOf(error) });
      await this.#endProcesses();
      await saved.discard();
      this.#exit = undefined;
      return boot();
    }
    await saved
      .discard()
      .catch((error: unknown) => this.#options.log.warn("the memory of a suspended machine was not removed", { reason: messageOf(error) }));
  }

  /** Runs QEMU with what was saved in it; its processors do not go on yet. */
  async #load(launch: Launch, statePath: string, signal: AbortSignal): Promise<QmpClient> {
    await this.#run(launch, [...qemuArguments({ ...launch.options, formatToken: undefined }), "-incoming", "defer"], signal);
    if (this.#qmp === undefined) throw new Error("QEMU does not answer");
    await loadMachine(this.#qmp, statePath, signal);
    return this.#qmp;
  }

  async #run({ qemu, key }: Launch, args: readonly string[], signal: AbortSignal): Promise<void> {
    const { qemuLog } = this.folder;
    const child = spawnDetached(qemu, args, qemuLog, this.#options.env);
    const failed = childFailure(child);
    const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
    if (identity !== undefined) await this.folder.saveProcess("qemu", identity, key);
    const ended = (): boolean => failed.error !== undefined || child.exitCode !== null;
    const connected = async (): Promise<boolean> =>
      this.#connectQmp().then(
        () => true,
        () => false,
      );
    // A socket's file is there before anyone listens on it, so an answer counts; QEMU opens this socket after the agent's.
    const up = await waitUntil(async () => ended() || (await connected()), {
      intervalMs: pollMs,
      signal: AbortSignal.any([signal, AbortSignal.timeout(startTimeoutMs)]),
    });
    signal.throwIfAborted();
    if (!up || ended()) {
      const why = lastWords(qemuLog) ?? (child.exitCode === null ? "QEMU does not answer" : "QEMU ended at once");
      throw new BerthError("hypervisor-failed", failed.error?.message ?? why);
    }
    child.unref();
  }

  /** The one connection to QMP, made when there is none; undefined when QEMU does not answer. */
  async #connectedQmp(): Promise<QmpClient | undefined> {
    if (this.#qmp === undefined) await this.#connectQmp().catch(() => undefined);
    return this.#qmp;
  }

  async #connectQmp(): Promise<void> {
    const client = await QmpClient.connect(
      this.folder.paths.qmpSocket,
      (event) => this.#onEvent(event),
      (closed) => {
        if (this.#qmp === closed) this.#qmp = undefined;
        this.checkLiveness().catch((error: unknown) =>
          this.#options.log.warn("a machine's end was not dealt with", { reason: messageOf(error) }),
        );
      },
    );
    this.#qmp = client;
    const state = await runStateOf(client).catch((error: unknown) => {
      client.close();
      throw error;
    });
    this.#paused = state === "io-error" ? "host-disk-full" : stoppedStates.has(state) ? "requested" : undefined;
  }

  #onEvent(event: QmpEvent): void {
    if (event.name === "BLOCK_IO_ERROR" && event.data["nospace"] === true) this.#paused = "host-disk-full";
    else if (event.name === "STOP") this.#paused ??= "requested";
    else if (event.name === "RESUME") this.#paused = undefined;
    else if (event.name === "GUEST_PANICKED") this.#exit = { reason: "panicked", detail: "the guest's kernel panicked", atMs: Date.now() };
    else if (event.name === "SHUTDOWN")
      this.#exit ??= {
        reason: event.data["guest"] === true ? "shutdown" : "killed",
        detail: typeof event.data["reason"] === "string" ? event.data["reason"] : "",
        atMs: Date.now(),
      };
    else return;
    this.#options.onChange();
  }

  async #afterEnd(exit: MachineExit): Promise<void> {
    const ending = this.#putAway(exit).finally(() => {
      if (this.#ending === ending) this.#ending = undefined;
    });
    this.#ending = ending;
    await ending;
    this.#options.onChange();
  }

  async #putAway(exit: MachineExit): Promise<void> {
    this.#qmp?.close();
    this.#qmp = undefined;
    this.#agent?.stream.destroy();
    this.#agent = undefined;
    this.#paused = undefined;
    this.#exit = exit;
    await this.#endProcesses();
    this.folder.removeSockets();
  }

  async #endProcesses(): Promise<void> {
    for (const identity of [this.process, this.folder.readProcess("passt")]) await endProcess(identity);
    await this.folderServers.end();
  }
}
