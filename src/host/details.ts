import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { JobKind, type ObservedEnvironment } from "../contract/gen/berth/v1/agent_pb.js";
import { type EnvironmentDetails, EnvironmentDetailsSchema } from "../contract/gen/berth/v1/host_pb.js";
import type { Environment } from "../contract/gen/gitpod/v1/environment_pb.js";
import { sshAliasOf } from "../lib/ssh-alias.ts";
import { folderScheme, sourceOf } from "../plane/environment-source.ts";
import type { Forward } from "./port-forwarder.ts";
import { machineId } from "./settings.ts";

/** What clients on this computer see of an environment beyond the public API. */
export function detailsOf(
  environment: Environment,
  observed: ObservedEnvironment | undefined,
  forwards: readonly Forward[],
): EnvironmentDetails {
  const host = sshAliasOf(environment.metadata?.name ?? "", environment.id);
  const source = environment.spec === undefined ? "" : sourceOf(environment.spec);
  const { failureMessage = [], devcontainer } = environment.status ?? {};
  return create(EnvironmentDetailsSchema, {
    environmentId: environment.id,
    steps: stepsOf(observed),
    ports: forwards.map(
      ({ containerHost, containerPort, hostPort, processName, label, listening, failureMessage: portFailure, protocol }) => ({
        containerHost,
        containerPort,
        hostPort,
        processName,
        label,
        listening,
        failureMessage: portFailure,
        url: hostPort === 0 ? "" : `${protocol === "https" ? "https" : "http"}://127.0.0.1:${hostPort}`,
      }),
    ),
    sshHost: host,
    sshCommand: `ssh ${host}`,
    devcontainerFilePaths: observed?.content?.devcontainerFilePaths ?? [],
    recovery: observed?.devcontainer?.recovery ?? false,
    errorCode: (failureMessage[0] ?? devcontainer?.failureMessage ?? "").split(": ")[0] ?? "",
    machineId,
    sourceFolder: source.startsWith(folderScheme) ? source.slice(folderScheme.length) : "",
  });
}

function stepsOf(observed: ObservedEnvironment | undefined) {
  return (observed?.jobs ?? [])
    .filter((j) => j.kind === JobKind.CLONE || j.kind === JobKind.DEVCONTAINER_UP)
    .flatMap((j) =>
      j.steps.map((s) => ({
        name: s.name,
        failed: s.failed,
        ...(s.startedAt === undefined ? {} : { startedAt: s.startedAt }),
        ...(s.finishedAt === undefined ? {} : { finishedAt: s.finishedAt }),
      })),
    )
    .toSorted((a, b) => startedMs(a) - startedMs(b));
}

function startedMs(step: { readonly startedAt?: Timestamp }): number {
  return step.startedAt === undefined ? 0 : timestampMs(step.startedAt);
}
