import type { ConnectRouter } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import type { EnvironmentStore } from "../../contract/engine-port.ts";
import { RunnerHostService } from "../../contract/gen/berth/v1/runner_pb.js";
import { EnvironmentPhase } from "../../contract/gen/gitpod/v1/environment_pb.js";
import type { Clock } from "../../lib/clock.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import { version } from "../../lib/version.ts";
import type { Plane } from "../../plane/create-plane.ts";
import type { MachineUsage } from "../../vm/driver.ts";
import type { HostParts, HostRole } from "../create-host.ts";
import { LimitedStore, maxRunnerEnvironments } from "./limited-store.ts";
import { MeteredStore } from "./metered-store.ts";
import { serveMetrics } from "./metrics-server.ts";
import { remotePlane } from "./remote-plane.ts";
import type { RunnerConfig } from "./runner-config.ts";
import type { RunnerConnection } from "./runner-connection.ts";
import { runnerHostService } from "./runner-host-service.ts";
import { RunnerMetrics } from "./runner-metrics.ts";
import type { RunnerPaths } from "./runner-paths.ts";
import { StartWatch } from "./start-watch.ts";

export interface RunnerRoleOptions {
  readonly paths: RunnerPaths;
  readonly config: RunnerConfig;
  /** Undefined where the runner stands alone. */
  readonly connection: RunnerConnection | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly limit?: number;
  /** Looks for a newer version and tries it; undefined where nobody above this process can. */
  readonly updateNow: (() => Promise<void>) | undefined;
  /** Everything works. */
  readonly onReady: () => void;
  /** The plane will not have this runner any more. */
  readonly onRefused: (reason: unknown) => void;
}

/** What a host is as a headless runner: bounded, measured, and tied to a plane where there is one. */
export class RunnerRole implements HostRole {
  readonly log: Log;
  readonly #options: RunnerRoleOptions;
  readonly #limit: number;
  readonly #ending = new AbortController();
  #limited: LimitedStore | undefined;
  #metrics: RunnerMetrics | undefined;
  #stopServing: (() => Promise<void>) | undefined;
  #link: Promise<void> | undefined;
  #wasAsked = false;

  constructor(options: RunnerRoleOptions) {
    this.#options = options;
    this.log = options.log;
    this.#limit = options.limit ?? maxRunnerEnvironments;
  }

  /** It was ended by a call. */
  get wasAsked(): boolean {
    return this.#wasAsked;
  }

  plane(embedded: Plane): Plane {
    const { connection } = this.#options;
    return connection === undefined ? embedded : remotePlane(embedded, connection);
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
    const { paths, config, connection, updateNow } = this.#options;
    const service = runnerHostService({
      parts,
      paths,
      config,
      connection,
      limit: this.#limit,
      waitingCount: () => this.#limited?.refusedCount ?? 0,
      updateNow,
    });
    router.service(RunnerHostService, service);
  }

  async start(parts: HostParts): Promise<void> {
    const { paths, config, connection, log, onReady, onRefused } = this.#options;
    const metrics = this.#createMetrics(parts);
    this.#metrics = metrics;
    this.#stopServing = await serveMetrics({
      socketPath: paths.metricsSocket,
      port: config.metricsPort,
      contentType: metrics.contentType,
      text: async () => metrics.text(),
      log,
    });
    this.#link = connection?.run(this.#ending.signal).catch((error: unknown) => {
      log.error("the plane does not have this runner any more", { reason: messageOf(error) });
      onRefused(error);
    });
    onReady();
  }

  async end({ asked }: { readonly asked: boolean }): Promise<void> {
    this.#wasAsked = asked;
    this.#ending.abort();
    await Promise.all([this.#link, this.#stopServing?.()]);
  }

  #createMetrics({ plane, machines, driver, log }: HostParts): RunnerMetrics {
    const { connection } = this.#options;
    const running = async (): Promise<{ machineId: string; usage: MachineUsage }[]> =>
      Promise.all(
        machines.all
          .filter(({ keeper }) => keeper.view === "ready")
          .map(async ({ id }) => ({ machineId: id, usage: await driver.usage(id) })),
      );
    return new RunnerMetrics({
      version,
      environmentLimit: this.#limit,
      phases: async () => (await plane.environmentStore.list()).map(({ status }) => status?.phase ?? EnvironmentPhase.UNSPECIFIED),
      machineViews: () => machines.all.map(({ keeper }) => keeper.view),
      machineUsages: running,
      link: () => connection?.state().kind ?? "none",
      pendingCount: () => connection?.pendingCount() ?? 0,
      refusedCount: () => this.#limited?.refusedCount ?? 0,
      log,
    });
  }
}
