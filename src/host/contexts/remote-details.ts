import { create } from "@bufbuild/protobuf";
import {
  type RemoteEnvironmentDetails,
  RemoteEnvironmentDetails_Stage as Stage,
  RemoteEnvironmentDetailsSchema,
} from "../../contract/gen/berth/v1/context_pb.js";
import {
  type Environment,
  EnvironmentPhase,
  EnvironmentStatus_ContentPhase,
  EnvironmentStatus_Machine_Phase,
} from "../../contract/gen/gitpod/v1/environment_pb.js";
import type { RunnerPhase } from "../../contract/gen/gitpod/v1/runner_pb.js";
import { plain, remoteEnvironment } from "./list-environments.ts";

/** What is beside an environment: its class and its runner, as far as the plane shows them. */
export interface Surroundings {
  readonly className: string;
  readonly runnerName: string;
  readonly runnerPhase: RunnerPhase;
}

/** Everything about an environment of a plane that is shown of one. */
export function remoteDetails(environment: Environment, surroundings: Surroundings): RemoteEnvironmentDetails {
  const { metadata, status } = environment;
  return create(RemoteEnvironmentDetailsSchema, {
    ...surroundings,
    environment: remoteEnvironment(environment),
    stage: stageOf(environment),
    seenSpecVersion: status?.runnerAck?.specVersion ?? 0n,
    projectId: plain(metadata?.projectId ?? ""),
    ...(metadata?.createdAt === undefined ? {} : { createdAt: metadata.createdAt }),
    ...(metadata?.lastStartedAt === undefined ? {} : { lastStartedAt: metadata.lastStartedAt }),
  });
}

/** What is being done to bring it up; nothing while it stays as it is, or goes down. */
function stageOf({ spec, status }: Environment): Stage {
  if (spec?.desiredPhase !== EnvironmentPhase.RUNNING || status?.phase === EnvironmentPhase.RUNNING) return Stage.UNSPECIFIED;
  if ((status?.runnerAck?.specVersion ?? 0n) < spec.specVersion) return Stage.RUNNER;
  if ((status?.failureMessage ?? []).length > 0) return Stage.UNSPECIFIED;
  if (status?.machine?.phase !== EnvironmentStatus_Machine_Phase.RUNNING) return Stage.MACHINE;
  return status.content?.phase === EnvironmentStatus_ContentPhase.READY ? Stage.DEVCONTAINER : Stage.CONTENT;
}
