import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import {
  type GetRunnerHostResponseSchema,
  type RunnerHostService,
  RunnerLinkState,
  type RunnerLinkStatusSchema,
  type RunnerUpdateStatusSchema,
} from "../../contract/gen/berth/v1/runner_pb.js";
import { type Environment, EnvironmentPhase } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { version } from "../../lib/version.ts";
import type { HostParts } from "../create-host.ts";
import { unsavedWork } from "../workspace-service.ts";
import type { RunnerConfig } from "./runner-config.ts";
import type { ConnectionState, RunnerConnection } from "./runner-connection.ts";
import type { RunnerPaths } from "./runner-paths.ts";
import { readUpdateState, type UpdateState } from "./update-state.ts";

export interface RunnerHostSources {
  readonly parts: HostParts;
  readonly paths: RunnerPaths;
  readonly config: RunnerConfig;
  readonly connection: RunnerConnection | undefined;
  readonly limit: number;
  /** What is known now. */
  readonly environments: () => Promise<readonly Environment[]>;
  readonly degraded: (signal: AbortSignal) => Promise<readonly string[]>;
  readonly updateNow: (() => Promise<void>) | undefined;
}

/** berth.v1.RunnerHostService. */
export function runnerHostService(sources: RunnerHostSources): ServiceImpl<typeof RunnerHostService> {
  const { paths, config, updateNow } = sources;
  return {
    getRunnerHost: async (_request, { signal }) => describe(sources, signal),
    updateRunnerHost: async () => {
      if (updateNow === undefined)
        throw new BerthError("runner-update-failed", "this runner does not run as a service, so nothing can start a newer version of it");
      await updateNow();
      return { update: updateStatus(config, await readUpdateState(paths.updateState)) };
    },
    deleteOrphan: async ({ environmentId, force }, { signal }) => {
      await deleteOrphan(sources, { environmentId, force }, signal);
      return {};
    },
  };
}

async function deleteOrphan(
  { parts: { machines, plane }, connection }: RunnerHostSources,
  { environmentId, force }: { readonly environmentId: string; readonly force: boolean },
  signal: AbortSignal,
): Promise<void> {
  if (connection?.orphanIds().includes(environmentId) !== true) {
    if (!plane.exists(environmentId)) throw new BerthError("environment-not-found", `'${environmentId}'`);
    throw new BerthError("not-supported", "it is deleted where it was made; only what its plane does not know any more is deleted here");
  }
  if (!force) {
    // As seen now, and not last: after a restart of the runner nothing was seen of what rests.
    const [work] = await unsavedWork(machines, [environmentId], signal);
    const { id } = machines.kept(environmentId);
    if (work?.known !== true)
      throw new BerthError("uncommitted-work", `it cannot be seen; start its machine: berth machine start --machine ${id}`);
    const { changedFiles, unpushedCommits } = work;
    if (changedFiles + unpushedCommits > 0)
      throw new BerthError("uncommitted-work", `${changedFiles} files are changed, ${unpushedCommits} commits are not pushed`);
  }
  connection.deleteOrphan(environmentId);
}

async function describe(sources: RunnerHostSources, signal: AbortSignal): Promise<MessageInitShape<typeof GetRunnerHostResponseSchema>> {
  const { parts, paths, config, connection, limit } = sources;
  const { machines, driver, startedAtMs } = parts;
  const orphanIds = new Set(connection?.orphanIds());
  const [environments, probe, update, degraded] = await Promise.all([
    sources.environments(),
    driver.probe(signal),
    readUpdateState(paths.updateState),
    sources.degraded(signal),
  ]);
  return {
    version,
    pid: BigInt(process.pid),
    startedAt: timestampFromMs(startedAtMs),
    link: linkStatus(connection),
    environmentLimit: limit,
    environments: environments.map(({ id, metadata, status }) => ({
      id,
      name: metadata?.name ?? "",
      phase: (EnvironmentPhase[status?.phase ?? 0] ?? "unknown").toLowerCase(),
      machineId: machines.kept(id).id,
      failure: status?.failureMessage[0] ?? "",
      isOrphan: orphanIds.has(id),
    })),
    machines: machines.all.map(({ id, keeper: { view, failure } }) => ({ id, view, failure: failure ?? "" })),
    accelerator: probe.accelerator,
    degradedReasons: [...degraded],
    update: updateStatus(config, update),
    metricsSocket: paths.metricsSocket,
    metricsPort: config.metricsPort ?? 0,
  };
}

function linkStatus(connection: RunnerConnection | undefined): MessageInitShape<typeof RunnerLinkStatusSchema> {
  if (connection === undefined) return { state: RunnerLinkState.NONE };
  const state = connection.state();
  const reason = "reason" in state ? state.reason.message : "";
  return {
    state: linkStates[state.kind],
    planeUrl: connection.planeUrl,
    pendingCount: connection.pendingCount(),
    reason,
    ...("sinceMs" in state ? { since: timestampFromMs(state.sinceMs) } : {}),
  };
}

const linkStates = {
  connecting: RunnerLinkState.CONNECTING,
  connected: RunnerLinkState.CONNECTED,
  offline: RunnerLinkState.OFFLINE,
  ended: RunnerLinkState.ENDED,
} as const satisfies Record<ConnectionState["kind"], RunnerLinkState>;

function updateStatus({ update }: RunnerConfig, state: UpdateState): MessageInitShape<typeof RunnerUpdateStatusSchema> {
  const hour = (value: number): string => String(value).padStart(2, "0");
  return {
    channel: update.channel,
    feed: update.feed ?? "",
    window: update.window === undefined ? "" : `${hour(update.window.startHour)}-${hour(update.window.endHour)}`,
    state: state.kind,
    version: "version" in state ? state.version : "",
    message: state.kind === "idle" ? state.message : state.kind === "rolled-back" ? state.reason : "",
    ...(state.checkedAtMs === 0 ? {} : { checkedAt: timestampFromMs(state.checkedAtMs) }),
  };
}
