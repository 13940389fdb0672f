import { durationMs } from "@bufbuild/protobuf/wkt";
import type { StartJobRequest } from "../../contract/gen/berth/v1/agent_pb.js";
import { type CloneRequest, clone, unshallow } from "../content/clone.ts";
import { removeContainers, stopContainers } from "../devcontainer/stop.ts";
import { bringUp } from "../devcontainer/up.ts";
import type { AgentDependencies } from "../agent-service.ts";
import { writeAuthorizedKeys } from "../ssh.ts";
import type { JobContext, JobRecord } from "./job.ts";

/** Starts the job that a request describes; repeated requests find the job already there. */
export async function startJob(request: StartJobRequest, dependencies: AgentDependencies): Promise<JobRecord> {
  const { jobs, states, docker, settings, network } = dependencies;
  const { jobId: id, environmentId, job } = request;
  const runFolder = `${settings.runFolder}/jobs-${environmentId}`;
  switch (job.case) {
    case "clone": {
      await states.begin(environmentId, job.value.directoryName);
      const wanted: CloneRequest = {
        ...job.value,
        userName: job.value.gitUserName,
        userEmail: job.value.gitUserEmail,
        networkEnv: network.machineEnv,
      };
      return jobs.start({
        id,
        environmentId,
        kind: "clone",
        work: async (context) => {
          await clone(wanted, states.workingCopy(environmentId), runFolder, context);
          if (wanted.depth > 0)
            jobs.alongside(environmentId, async (signal) => unshallow(wanted, states.workingCopy(environmentId), runFolder, signal));
        },
      });
    }
    case "devcontainerUp": {
      await writeAuthorizedKeys(environmentId, job.value.authorizedKeys, settings.runFolder);
      const { value } = job;
      return jobs.start({
        id,
        environmentId,
        kind: "devcontainer-up",
        work: async (context) =>
          bringUp(
            environmentId,
            { ...value, timeoutMs: value.timeout === undefined ? 0 : durationMs(value.timeout) },
            dependencies,
            context,
          ),
      });
    }
    case "stop":
      return jobs.start({
        id,
        environmentId,
        kind: "stop",
        work: async (context) => {
          await jobs.cancelAll(environmentId, id);
          context.step("Stopping the containers");
          await stopContainers(environmentId, docker, context);
        },
      });
    case "delete":
      return jobs.start({
        id,
        environmentId,
        kind: "delete",
        work: async (context) => remove(environmentId, id, dependencies, context),
      });
    case undefined:
      throw new Error("the job is missing");
  }
}

async function remove(environmentId: string, jobId: string, dependencies: AgentDependencies, context: JobContext): Promise<void> {
  const { jobs, states, docker, sharedFolders } = dependencies;
  await jobs.cancelAll(environmentId, jobId);
  await jobs.endAlongside(environmentId);
  context.step("Removing the containers");
  await removeContainers(environmentId, docker, context);
  context.step("Removing the working copy");
  await sharedFolders.remove(environmentId);
  await states.remove(environmentId);
  queueMicrotask(() => jobs.forget(environmentId));
}
