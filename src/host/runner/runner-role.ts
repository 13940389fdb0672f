import type { ConnectRouter } from "@connectrpc/connect";
import { statfs } from "node:fs/promises";
import { BerthError } from "../../contract/berth-error.ts";
import type { EnvironmentStore } from "../../contract/engine-port.ts";
import { RunnerHostService } from "../../contract/gen/berth/v1/runner_pb.js";
import { type Environment, EnvironmentPhase } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { type Clock, pause } from "../../lib/clock.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import { version } from "../../lib/version.ts";
import type { Plane } from "../../plane/create-plane.ts";
import type { MachineUsage } from "../../vm/driver.ts";
import type { HostParts, HostRole } from "../create-host.ts";
import { openSsh } from "../dial-ssh.ts";
import type { MachineSize } from "../settings.ts";
import type { HostSettings } from "../settings/host-settings.ts";
import { type ClassMachine, readClass, type SizeBounds } from "./class-machine.ts";
import { degradedReasons } from "./degraded.ts";
import { LimitedStore, maxRunnerEnvironments } from "./limited-store.ts";
import { MeteredStore } from "./metered-store.ts";
import { type MetricsServer, serveMetrics } from "./metrics-server.ts";
import { RememberedStore } from "./remembered-store.ts";
import { remotePlane } from "./remote-plane.ts";
import type { RunnerConfig } from "./runner-config.ts";
import type { ConnectPlane, RunnerConnection } from "./runner-connection.ts";
import { runnerHostService } from "./runner-host-service.ts";
import { RunnerMetrics } from "./runner-metrics.ts";
import type { RunnerPaths } from "./runner-paths.ts";
import { StartWatch } from "./start-watch.ts";
import { readUpdateState } from "./update-state.ts";

const reportIntervalMs = 15_000;
/** The protocol's limit. */
const maxDegradedLength = 4096;

export interface RunnerRoleOptions {
  readonly paths: RunnerPaths;
  readonly config: RunnerConfig;
  readonly connectPlane: ConnectPlane;
  readonly clock: Clock;
  readonly log: Log;
  readonly limit?: number;
  /** Looks for a newer version and tries it; undefined where nobody above this process can. */
  readonly updateNow: (() => Promise<void>) | undefined;
  /** Everything works. */
  readonly onReady: () => void;
  /** The plane is reached, or not any more. */
  readonly onLink: (isConnected: boolean) => void;
}

/** What a host is as a headless runner: bounded, measured, and tied to a plane where there is one. */
export class RunnerRole implements HostRole {
  readonly log: Log;
  readonly #options: RunnerRoleOptions;
  readonly #limit: number;
  readonly #ending = new AbortController();
  #connection: RunnerConnection | undefined;
  #bounds: SizeBounds | undefined;
  #remembered: RememberedStore | undefined;
  #limited: LimitedStore | undefined;
  #metrics: RunnerMetrics | undefined;
  #metricsServer: MetricsServer | undefined;
  #link: Promise<unknown> | undefined;
  /** What the plane knows to be wrong. */
  #reported: string | undefined;
  #wasAsked = false;
  #parts: HostParts | undefined;

  constructor(options: RunnerRoleOptions) {
    this.#options = options;
    this.log = options.log;
    this.#limit = options.limit ?? maxRunnerEnvironments;
  }

  /** It was ended by a call. */
  get wasAsked(): boolean {
    return this.#wasAsked;
  }

  plane(embedded: Plane, settings: Pick<HostSettings, "dedicatedBounds">): Plane {
    this.#connection = this.#options.connectPlane({
      classes: async () => embedded.classes(),
      dialSsh: async (environmentId, signal) => {
        // It is asked for over the connection, which begins with the parts.
        if (this.#parts === undefined) throw new BerthError("machine-unreachable", "this runner is starting");
        return openSsh(this.#parts.machines, environmentId, signal);
      },
      bounds: settings.dedicatedBounds,
      signal: this.#ending.signal,
    });
    if (this.#connection === undefined) return embedded;
    this.#bounds = settings.dedicatedBounds;
    this.#remembered = new RememberedStore(this.#connection.environmentStore);
    return remotePlane(embedded, this.#connection, this.#remembered, (id) => this.#classOf(id)?.isOwn);
  }

  classSize(environmentId: string): Partial<MachineSize> {
    const { size, errors } = this.#classOf(environmentId) ?? { size: {}, errors: [] };
    if (errors.length > 0) throw new BerthError("class-unfit", errors.map(({ key, error }) => `${key}: ${error}`).join("; "));
    return size;
  }

  /** Undefined where the plane has no such class. */
  #classOf(environmentId: string): ClassMachine | undefined {
    const found = this.#connection?.findClass(this.#remembered?.find(environmentId)?.spec?.machine?.class ?? "");
    return found === undefined || this.#bounds === undefined ? undefined : readClass(found, this.#bounds);
  }

  engineStore(store: EnvironmentStore): EnvironmentStore {
    this.#limited = new LimitedStore(store, this.#limit);
    const starts = new StartWatch({
      nowMs: () => this.#options.clock.nowMs(),
      onStart: (outcome, durationMs) => this.#metrics?.started(outcome, durationMs),
    });
    return new MeteredStore(this.#limited, starts);
  }

  mayCreate(existingCount: number): void {
    if (existingCount >= this.#limit)
      throw new BerthError("runner-full", `it keeps ${this.#limit} environments, and there are ${existingCount}`);
  }

  stepFailed(step: string, code: string): void {
    this.#metrics?.stepFailed(step, code);
  }

  routes(router: ConnectRouter, parts: HostParts): void {
    const { paths, config, updateNow } = this.#options;
    const service = runnerHostService({
      parts,
      paths,
      config,
      connection: this.#connection,
      limit: this.#limit,
      environments: async () => this.#environments(parts),
      degraded: async (signal) => this.#degraded(parts, signal),
      updateNow,
    });
    router.service(RunnerHostService, service);
  }

  connect(parts: HostParts): void {
    const { log, onLink } = this.#options;
    this.#parts = parts;
    const connection = this.#connection;
    if (connection === undefined) return;
    connection.onState(() => {
      const isConnected = connection.state().kind === "connected";
      onLink(isConnected);
      // Signed up again, the plane knows nothing of what was said before.
      if (isConnected) this.#reported = undefined;
    });
    const { signal } = this.#ending;
    // What runs goes on. Beginning anew would only drive out who took this runner's place.
    const link = connection
      .run()
      .catch((error: unknown) => log.error("the plane does not have this runner any more", { reason: messageOf(error) }));
    this.#link = Promise.all([link, this.#keepReporting(connection, parts, signal)]);
  }

  async start(parts: HostParts): Promise<void> {
    const { paths, config, clock, log, onReady } = this.#options;
    const metrics = this.#createMetrics(parts);
    this.#metrics = metrics;
    this.#metricsServer = await serveMetrics({
      socketPath: paths.metricsSocket,
      port: config.metricsPort,
      contentType: metrics.contentType,
      text: async () => metrics.text(),
      clock,
      log,
    });
    onReady();
  }

  async end({ asked }: { readonly asked: boolean }): Promise<void> {
    this.#wasAsked = asked;
    this.#ending.abort();
    await Promise.all([this.#link, this.#metricsServer?.close()]);
  }

  async #environments({ plane }: HostParts): Promise<readonly Environment[]> {
    return this.#remembered?.known ?? plane.environmentStore.list();
  }

  async #degraded({ driver, machines, plane }: HostParts, signal: AbortSignal): Promise<readonly string[]> {
    const { paths } = this.#options;
    const [probe, disk, update] = await Promise.all([driver.probe(signal), statfs(paths.home), readUpdateState(paths.updateState)]);
    return degradedReasons({
      accelerator: probe.accelerator,
      acceleratorReason: probe.reason,
      freeDiskBytes: disk.bavail * disk.bsize,
      link: this.#connection?.state(),
      orphans: this.#connection?.orphanIds().map((id) => plane.nameOf(id)) ?? [],
      machineFailures: machines.all.flatMap(({ id, keeper: { failure } }) => (failure === undefined ? [] : [`Machine ${id}: ${failure}`])),
      waitingCount: this.#limited?.refusedCount ?? 0,
      metricsFailure: this.#metricsServer?.portFailure,
      update,
    });
  }

  /** Tells the plane what is wrong whenever that has changed. */
  async #keepReporting(connection: RunnerConnection, parts: HostParts, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      if (connection.state().kind === "connected")
        try {
          const message = (await this.#degraded(parts, signal)).join("\n").slice(0, maxDegradedLength);
          if (message !== this.#reported) await connection.report(message);
          this.#reported = message;
        } catch (error) {
          if (!signal.aborted) log.info("the plane was not told how this runner is", { reason: messageOf(error) });
        }
      await pause(clock, reportIntervalMs, signal);
    }
  }

  #createMetrics(parts: HostParts): RunnerMetrics {
    const { machines, driver, log } = parts;
    const connection = this.#connection;
    const running = async (): Promise<{ machineId: string; usage: MachineUsage }[]> =>
      Promise.all(
        machines.all
          .filter(({ keeper }) => keeper.view === "ready")
          .map(async ({ id }) => ({ machineId: id, usage: await driver.usage(id) })),
      );
    return new RunnerMetrics({
      version,
      environmentLimit: this.#limit,
      phases: async () => (await this.#environments(parts)).map(({ status }) => status?.phase ?? EnvironmentPhase.UNSPECIFIED),
      machineViews: () => machines.all.map(({ keeper }) => keeper.view),
      machineUsages: running,
      link: () => connection?.state().kind ?? "none",
      pendingCount: () => connection?.pendingCount() ?? 0,
      refusedCount: () => this.#limited?.refusedCount ?? 0,
      log,
    });
  }
}
