import { create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { JobKind, type ObservedEnvironment, type ObservedJob } from "../contract/gen/berth/v1/agent_pb.js";
import { type EnvironmentDetails, EnvironmentDetailsSchema } from "../contract/gen/berth/v1/host_pb.js";
import type { Environment } from "../contract/gen/gitpod/v1/environment_pb.js";
import type { KeptMachine } from "../engine/machines.ts";
import { sshAliasOf } from "../lib/ssh-alias.ts";
import { folderScheme, sourceOf } from "../plane/environment-source.ts";
import type { Forward } from "./port-forwarder.ts";

/** What clients on this computer see of an environment beyond the public API. */
export function detailsOf(environment: Environment, machine: KeptMachine, forwards: readonly Forward[]): EnvironmentDetails {
  const observed = machine.keeper.environment(environment.id);
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
        // A name given by a person goes before the repository's.
        label: environment.spec?.ports.find((p) => p.port === containerPort)?.name || label,
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
    machineId: machine.id,
    sourceFolder: source.startsWith(folderScheme) ? source.slice(folderScheme.length) : "",
  });
}

function stepsOf(observed: ObservedEnvironment | undefined) {
  let before = 0n;
  return shownJobs(observed).flatMap((job) => {
    const start = before;
    before += job.logBytes;
    return job.steps.map((step) => ({
      name: step.name,
      failed: step.failed,
      logOffset: start + step.logOffset,
      ...(step.startedAt === undefined ? {} : { startedAt: step.startedAt }),
      ...(step.finishedAt === undefined ? {} : { finishedAt: step.finishedAt }),
    }));
  });
}

/** The jobs whose steps and logs people see, in their order. */
export function shownJobs(observed: ObservedEnvironment | undefined): ObservedJob[] {
  return (observed?.jobs ?? [])
    .filter((j) => j.kind === JobKind.CLONE || j.kind === JobKind.DEVCONTAINER_UP)
    .toSorted((a, b) => startedMs(a) - startedMs(b));
}

function startedMs(job: ObservedJob): number {
  return job.startedAt === undefined ? 0 : timestampMs(job.startedAt);
}
