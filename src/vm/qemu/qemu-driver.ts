import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, statSync } from "node:fs";
import { connect } from "node:net";
import { BerthError } from "../../contract/berth-error.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import { identifyProcess, isSameProcess, type ProcessIdentity, signalProcess } from "../../lib/process-identity.ts";
import { waitUntil } from "../../lib/wait-until.ts";
import { readTail } from "../console-tail.ts";
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
import { findProgram } from "../../lib/find-program.ts";
import { passtArguments, qemuArguments } from "./arguments.ts";
import { checkHostSpace, listMachineFolders, MachineFolder } from "./machine-folder.ts";
import { probeQemu, qemuProgram } from "./probe.ts";
import { QmpClient, type QmpEvent } from "./qmp.ts";

const startTimeoutMs = 20_000;
const killTimeoutMs = 10_000;
const pollMs = 50;
/** How soon a machine that ended without a word is noticed. */
const livenessPollMs = 2000;
const ticksPerSecond = 100;

interface Live {
  qmp: QmpClient | undefined;
  paused: "host-disk-full" | "requested" | undefined;
  exit: MachineExit | undefined;
  agent: AgentStream | undefined;
  starting: boolean;
  /** What is left of a machine that ended is being put away; its next start must not be taken for it. */
  ending: Promise<void> | undefined;
}

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
  readonly features = { powerButton: true, usage: true, suspend: false };
  readonly #options: QemuDriverOptions;
  readonly #live = new Map<string, Live>();
  readonly #listeners = new Set<(id: string) => void>();
  #watch: NodeJS.Timeout | undefined;

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
    await this.#folder(spec.id).create(spec.dataDiskLimitBytes);
  }

  async start(spec: MachineSpec, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const folder = this.#folder(spec.id);
    const live = this.#liveOf(spec.id);
    if (live.starting || this.#process(folder) !== undefined) return;
    live.starting = true;
    try {
      await live.ending?.catch(() => undefined);
      await folder.create(spec.dataDiskLimitBytes);
      await checkHostSpace(folder.folder);
      const probe = await this.probe(signal);
      if (!probe.usable) throw new BerthError("hypervisor-missing", probe.reason);
      // Cleared before, because the new process may tell of its own end while it is waited for.
      live.exit = undefined;
      live.paused = undefined;
      await this.#launch(spec, folder, probe.accelerator === "kvm" || probe.accelerator === "hvf" ? probe.accelerator : "tcg", signal);
      live.exit = undefined;
    } catch (error) {
      await this.#endProcesses(folder);
      throw error;
    } finally {
      live.starting = false;
    }
    this.#announce(spec.id);
  }

  async inspect(id: string): Promise<MachineStatus> {
    const folder = this.#folder(id);
    if (!folder.exists()) return { state: "absent" };
    const process = this.#process(folder);
    const live = this.#liveOf(id);
    if (process === undefined) return live.exit === undefined ? { state: "off" } : { state: "off", exit: live.exit };
    if (live.qmp === undefined && !live.starting) await this.#connectQmp(id, folder).catch(() => undefined);
    const startedAtMs = process.startedAtMs;
    if (live.paused !== undefined) return { state: "paused", reason: live.paused, startedAtMs };
    return { state: "running", pid: process.pid, startedAtMs };
  }

  async list(): Promise<readonly string[]> {
    return listMachineFolders(this.#options.machinesFolder);
  }

  onChange(listener: (id: string) => void): () => void {
    this.#listeners.add(listener);
    this.#watch ??= setInterval(() => this.#look(), livenessPollMs).unref();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#watch);
      this.#watch = undefined;
    };
  }

  async shutdown(id: string, options: { readonly graceMs: number; readonly signal: AbortSignal }): Promise<void> {
    const folder = this.#folder(id);
    if (this.#process(folder) === undefined) return;
    const live = this.#liveOf(id);
    if (live.qmp === undefined) await this.#connectQmp(id, folder).catch(() => undefined);
    await live.qmp?.execute("system_powerdown").catch(() => undefined);
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

  async resume(id: string): Promise<void> {
    const live = this.#liveOf(id);
    if (live.qmp === undefined) await this.#connectQmp(id, this.#folder(id));
    await live.qmp?.execute("cont");
  }

  async dialAgent(id: string, signal: AbortSignal): Promise<AgentStream> {
    const folder = this.#folder(id);
    if (this.#process(folder) === undefined) throw new BerthError("machine-unreachable", `the machine ${id} is not running`);
    const live = this.#liveOf(id);
    live.agent?.stream.destroy();
    const socket = connect(folder.paths.agentSocket);
    const onAbort = (): void => void socket.destroy(new Error("aborted"));
    signal.addEventListener("abort", onAbort);
    try {
      await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    } catch (error) {
      throw new BerthError("machine-unreachable", messageOf(error), { cause: error });
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
    socket.on("error", () => undefined);
    live.agent = { stream: socket, linkKey: folder.readLinkKey() };
    return live.agent;
  }

  async consoleTail(id: string, maxBytes: number): Promise<string> {
    return readTail(this.#folder(id).paths.console, maxBytes);
  }

  async usage(id: string): Promise<MachineUsage> {
    const folder = this.#folder(id);
    const process = this.#process(folder);
    const disk = folder.exists() ? statSync(folder.paths.dataDisk).blocks * 512 : 0;
    if (process === undefined) return { residentMemoryBytes: 0, cpuTimeMs: 0, dataDiskAllocatedBytes: disk };
    const stat = readFileSync(`/proc/${process.pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const resident = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${process.pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
    return {
      residentMemoryBytes: resident,
      cpuTimeMs: ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond,
      dataDiskAllocatedBytes: disk,
    };
  }

  async remove(id: string): Promise<void> {
    const folder = this.#folder(id);
    if (this.#process(folder) !== undefined) throw new BerthError("machine-running", `the machine ${id} runs`);
    folder.remove();
    this.#live.delete(id);
  }

  dataDisk(id: string): DataDisk {
    return new FileDataDisk(this.#folder(id).paths.dataDisk);
  }

  #folder(id: string): MachineFolder {
    return new MachineFolder({ machinesFolder: this.#options.machinesFolder, runFolder: this.#options.runFolder, id });
  }

  #liveOf(id: string): Live {
    const live = this.#live.get(id) ?? {
      qmp: undefined,
      paused: undefined,
      exit: undefined,
      agent: undefined,
      starting: false,
      ending: undefined,
    };
    this.#live.set(id, live);
    return live;
  }

  #process(folder: MachineFolder): (ProcessIdentity & { readonly startedAtMs: number }) | undefined {
    const saved = folder.readProcess("qemu");
    if (saved !== undefined) return saved;
    const stray = folder.readStrayQemu();
    return stray === undefined ? undefined : { ...stray, startedAtMs: statSync(folder.paths.pidFile).mtimeMs };
  }

  async #launch(spec: MachineSpec, folder: MachineFolder, accelerator: "kvm" | "hvf" | "tcg", signal: AbortSignal): Promise<void> {
    const qemu = qemuProgram(spec.image.arch, this.#options.env["PATH"]);
    await this.#endProcesses(folder);
    folder.removeSockets();
    folder.rotateConsole();
    await folder.makeLinkKey();
    const formatToken = await folder.formatToken();
    const network = (await this.#startPasst(folder, signal)) ? "passt" : "slirp";
    const args = qemuArguments({ spec, paths: folder.paths, accelerator, network, formatToken });
    const child = spawnDetached(qemu, args, folder.qemuLog, this.#options.env);
    const failed = childFailure(child);
    if (child.pid !== undefined) {
      const identity = identifyProcess(child.pid);
      if (identity !== undefined) await folder.saveProcess("qemu", identity);
    }
    const limit = AbortSignal.any([signal, AbortSignal.timeout(startTimeoutMs)]);
    const connected = async (): Promise<boolean> =>
      this.#connectQmp(spec.id, folder).then(
        () => true,
        () => false,
      );
    // A socket's file is there before anyone listens on it, so an answer counts; QEMU opens this socket after the agent's.
    const up = await waitUntil(async () => failed.error !== undefined || child.exitCode !== null || (await connected()), {
      intervalMs: pollMs,
      signal: limit,
    });
    signal.throwIfAborted();
    if (!up || failed.error !== undefined || child.exitCode !== null)
      throw new BerthError(
        "hypervisor-failed",
        failed.error?.message ?? folder.lastWords() ?? (child.exitCode === null ? "QEMU does not answer" : "QEMU ended at once"),
      );
    child.unref();
  }

  async #startPasst(folder: MachineFolder, signal: AbortSignal): Promise<boolean> {
    const passt = process.platform === "linux" ? findProgram("passt", this.#options.env["PATH"]) : undefined;
    if (passt === undefined || this.#options.env["BERTH_NETWORK"] === "slirp") return false;
    const child = spawnDetached(passt, passtArguments(folder.paths.netSocket, folder.passtPidFile), folder.passtLog, this.#options.env);
    const failed = childFailure(child);
    const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
    if (identity !== undefined) await folder.saveProcess("passt", identity);
    const ready = (): boolean => existsSync(folder.passtPidFile) && statSync(folder.passtPidFile).size > 0;
    // passt writes its pid once it listens; its socket's file is there before.
    const up = await waitUntil(() => failed.error !== undefined || child.exitCode !== null || ready(), {
      intervalMs: pollMs,
      signal: AbortSignal.any([signal, AbortSignal.timeout(startTimeoutMs)]),
    });
    child.unref();
    if (up && failed.error === undefined && child.exitCode === null) return true;
    this.#options.log.warn("passt did not start; the machine's network falls back to slirp", { log: folder.passtLog });
    return false;
  }

  async #connectQmp(id: string, folder: MachineFolder): Promise<void> {
    const live = this.#liveOf(id);
    const client = await QmpClient.connect(
      folder.paths.qmpSocket,
      (event) => this.#onEvent(id, event),
      (closed) => {
        if (live.qmp === closed) live.qmp = undefined;
        this.#look();
      },
    );
    live.qmp = client;
    const status = await client.execute("query-status").catch((error: unknown) => {
      client.close();
      throw error;
    });
    const state = typeof status === "object" && status !== null && "status" in status ? status.status : "";
    live.paused = state === "io-error" ? "host-disk-full" : state === "paused" ? "requested" : undefined;
  }

  #onEvent(id: string, event: QmpEvent): void {
    const live = this.#liveOf(id);
    if (event.name === "BLOCK_IO_ERROR" && event.data["nospace"] === true) live.paused = "host-disk-full";
    else if (event.name === "STOP") live.paused ??= "requested";
    else if (event.name === "RESUME") live.paused = undefined;
    else if (event.name === "GUEST_PANICKED") live.exit = { reason: "panicked", detail: "the guest's kernel panicked", atMs: Date.now() };
    else if (event.name === "SHUTDOWN")
      live.exit ??= {
        reason: event.data["guest"] === true ? "shutdown" : "killed",
        detail: typeof event.data["reason"] === "string" ? event.data["reason"] : "",
        atMs: Date.now(),
      };
    else return;
    this.#announce(id);
  }

  #look(): void {
    this.#checkLiveness().catch((error: unknown) =>
      this.#options.log.warn("a machine's end was not dealt with", { reason: messageOf(error) }),
    );
  }

  /** Notices machines that ended without telling, e.g. killed by someone else. */
  async #checkLiveness(): Promise<void> {
    for (const [id, live] of this.#live) {
      const folder = this.#folder(id);
      if (live.starting || live.ending !== undefined || !folder.exists() || this.#process(folder) !== undefined) continue;
      if (live.qmp === undefined && live.agent === undefined && live.exit !== undefined) continue;
      await this.#afterEnd(id, folder, live.exit ?? { reason: "crashed", detail: "the hypervisor's process is gone", atMs: Date.now() });
    }
  }

  async #afterEnd(id: string, folder: MachineFolder, exit: MachineExit): Promise<void> {
    const live = this.#liveOf(id);
    const ending = this.#putAway(live, folder, exit).finally(() => {
      if (live.ending === ending) live.ending = undefined;
    });
    live.ending = ending;
    await ending;
    this.#announce(id);
  }

  async #putAway(live: Live, folder: MachineFolder, exit: MachineExit): Promise<void> {
    live.qmp?.close();
    live.qmp = undefined;
    live.agent?.stream.destroy();
    live.agent = undefined;
    live.paused = undefined;
    live.exit = exit;
    await this.#endProcesses(folder);
    folder.removeSockets();
  }

  async #endProcesses(folder: MachineFolder): Promise<void> {
    for (const identity of [this.#process(folder), folder.readProcess("passt")]) {
      if (identity === undefined) continue;
      signalProcess(identity, "SIGKILL");
      const gone = await waitUntil(() => !isSameProcess(identity), { intervalMs: pollMs, signal: AbortSignal.timeout(killTimeoutMs) });
      if (!gone) throw new BerthError("hypervisor-failed", `process ${identity.pid} cannot be ended`);
    }
  }

  #announce(id: string): void {
    for (const listener of this.#listeners) listener(id);
  }
}

/** A process of its own session, so that neither a terminal's Ctrl-C nor this process's end reaches it. */
function spawnDetached(program: string, args: readonly string[], logPath: string, env: NodeJS.ProcessEnv): ChildProcess {
  const log = openSync(logPath, "w", 0o600);
  try {
    return spawn(program, args, {
      detached: true,
      stdio: ["ignore", log, log],
      env: { PATH: env["PATH"] ?? "", HOME: env["HOME"] ?? "/" },
    });
  } finally {
    closeSync(log);
  }
}

function childFailure(child: ChildProcess): { error: Error | undefined } {
  const failed: { error: Error | undefined } = { error: undefined };
  child.once("error", (error) => (failed.error = error));
  return failed;
}
