import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { EnvironmentPhase } from "../../contract/gen/gitpod/v1/environment_pb.js";
import type { MachineView } from "../../engine/machine-view.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import type { MachineUsage } from "../../vm/driver.ts";
import type { ConnectionState } from "./runner-connection.ts";
import type { StartOutcome } from "./start-watch.ts";

const msPerSecond = 1000;
/** From a copy of a suspended machine to a first build of a large dev container. */
const startBucketsSeconds = [0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800];
const linkStates = ["none", "connecting", "connected", "offline", "ended"] as const;
const views = ["off", "busy", "paused", "ready", "asleep", "failed"] as const satisfies readonly MachineView[];

/** What is looked at whenever metrics are asked for. */
export interface MetricSources {
  readonly version: string;
  readonly environmentLimit: number;
  readonly phases: () => Promise<readonly EnvironmentPhase[]>;
  readonly machineViews: () => readonly MachineView[];
  /** Of machines that run. */
  readonly machineUsages: () => Promise<readonly { readonly machineId: string; readonly usage: MachineUsage }[]>;
  readonly link: () => ConnectionState["kind"] | "none";
  readonly pendingCount: () => number;
  readonly refusedCount: () => number;
  readonly log: Log;
}

/** A runner's figures in Prometheus' form. No label holds what a person typed, and there are as many series as machines at most. */
export class RunnerMetrics {
  readonly #registry = new Registry();
  readonly #starts: Histogram<"outcome">;
  readonly #stepErrors: Counter<"step" | "code">;

  constructor(sources: MetricSources) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#starts = new Histogram({
      name: "berth_environment_start_duration_seconds",
      help: "From the wish to run until an environment runs, or until that failed",
      labelNames: ["outcome"],
      buckets: startBucketsSeconds,
      registers,
    });
    this.#stepErrors = new Counter({
      name: "berth_reconcile_errors_total",
      help: "Steps of the engine that failed, by step and code",
      labelNames: ["step", "code"],
      registers,
    });
    registerEnvironments(sources, registers);
    registerMachines(sources, registers);
    registerLink(sources, registers);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    return this.#registry.metrics();
  }

  started(outcome: StartOutcome, durationMs: number): void {
    this.#starts.observe({ outcome }, durationMs / msPerSecond);
  }

  stepFailed(step: string, code: string): void {
    this.#stepErrors.inc({ step, code });
  }
}

function registerEnvironments({ version, environmentLimit, phases, refusedCount }: MetricSources, registers: Registry[]): void {
  new Gauge({ name: "berth_runner_info", help: "The version that runs", labelNames: ["version"], registers }).set({ version }, 1);
  new Gauge({ name: "berth_environment_limit", help: "Environments that this runner keeps at most", registers }).set(environmentLimit);
  new Gauge({
    name: "berth_environments",
    help: "Environments by phase",
    labelNames: ["phase"],
    registers,
    async collect() {
      const seen = await phases();
      for (const phase of knownPhases) this.set({ phase: phaseLabel(phase) }, seen.filter((one) => one === phase).length);
    },
  });
  new Gauge({
    name: "berth_environments_waiting",
    help: "Environments for which there is no room",
    registers,
    collect() {
      this.set(refusedCount());
    },
  });
}

function registerMachines({ machineViews, machineUsages, log }: MetricSources, registers: Registry[]): void {
  new Gauge({
    name: "berth_machines",
    help: "Machines by state",
    labelNames: ["state"],
    registers,
    collect() {
      const seen = machineViews();
      for (const state of views) this.set({ state }, seen.filter((one) => one === state).length);
    },
  });
  const figure = (name: string, help: string, of: (usage: MachineUsage) => number): Gauge<"machine"> =>
    new Gauge({
      name,
      help,
      labelNames: ["machine"],
      registers,
      async collect() {
        this.reset();
        try {
          for (const { machineId, usage } of await machineUsages()) this.set({ machine: machineId }, of(usage));
        } catch (error) {
          log.warn("a machine's usage was not had", { reason: messageOf(error) });
        }
      },
    });
  figure("berth_machine_memory_bytes", "What a machine takes of this computer's memory", ({ residentMemoryBytes }) => residentMemoryBytes);
  figure(
    "berth_machine_cpu_seconds",
    "Processor time that a machine has used since it started",
    ({ cpuTimeMs }) => cpuTimeMs / msPerSecond,
  );
  figure(
    "berth_machine_disk_bytes",
    "What a machine's disk takes on this computer",
    ({ dataDiskAllocatedBytes }) => dataDiskAllocatedBytes,
  );
}

function registerLink({ link, pendingCount }: MetricSources, registers: Registry[]): void {
  new Gauge({
    name: "berth_link_state",
    help: "1 for the state that the connection to the plane is in",
    labelNames: ["state"],
    registers,
    collect() {
      const now = link();
      for (const state of linkStates) this.set({ state }, state === now ? 1 : 0);
    },
  });
  new Gauge({
    name: "berth_link_pending_statuses",
    help: "Environments whose newest status the plane does not have yet",
    registers,
    collect() {
      this.set(pendingCount());
    },
  });
}

const knownPhases = Object.values(EnvironmentPhase).filter(
  (phase): phase is EnvironmentPhase => typeof phase === "number" && phase !== EnvironmentPhase.UNSPECIFIED,
);

function phaseLabel(phase: EnvironmentPhase): string {
  return (EnvironmentPhase[phase] ?? "unknown").toLowerCase();
}
