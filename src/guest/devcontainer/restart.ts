import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DockerApi } from "../docker-api.ts";
import type { DevcontainerState, EnvironmentStates } from "../environment-state.ts";
import type { JobContext } from "../jobs/job.ts";
import type { GuestNetwork } from "../network/guest-network.ts";
import type { GuestSettings } from "../settings.ts";
import { lifecycleWarning, runStartCommands } from "./lifecycle.ts";
import { readShell } from "./passwd.ts";
import { makeSecretsFolder, placeSecretFiles, secretFilesFolder } from "./secret-files.ts";
import { sessionEnvFiles, writeSessionEnv } from "./session-env.ts";
import type { Attempt, UpRequest } from "./up-request.ts";

interface Dependencies {
  readonly docker: DockerApi;
  readonly states: EnvironmentStates;
  readonly settings: GuestSettings;
  readonly network: GuestNetwork;
}

/**
 * Starts the stopped container of a configuration that has not changed, and does what is due at each start. The
 * devcontainer CLI would do the same after it has found out that there is nothing to build, which takes most of a start.
 * False: it must be asked.
 */
export async function restart(
  environmentId: string,
  request: UpRequest,
  attempt: Attempt,
  dependencies: Dependencies,
  context: JobContext,
): Promise<boolean> {
  const { docker, states, settings, network } = dependencies;
  const before = states.get(environmentId)?.devcontainer;
  if (before?.startCommands === undefined || !isUnchanged(before, request, attempt)) return false;
  const container = await docker.inspect(before.containerId);
  if (container === undefined || container.State.Running) return false;
  context.step("Starting the container");
  await makeSecretsFolder(settings.runFolder, environmentId);
  await network.placeIn(environmentId);
  try {
    await docker.start(before.containerId);
  } catch (error) {
    context.log(`The container is started by the devcontainer CLI: ${error instanceof Error ? error.message : String(error)}\n`);
    return false;
  }
  const env = { ...before.remoteEnv, ...request.secrets };
  await writeSessionEnv(sessionEnvFiles(settings.runFolder, environmentId), env);
  await network.placeIn(environmentId);
  const user = before.remoteUser;
  if (request.secretFiles.length > 0 || existsSync(join(states.runFolderOf(environmentId), secretFilesFolder)))
    await placeSecretFiles(before.containerId, user, request.secretFiles, context);
  const started = await docker.inspect(before.containerId);
  const session = {
    containerId: before.containerId,
    user,
    shell: await readShell(user, `/proc/${started?.State.Pid ?? 0}/root`),
    workingDirectory: before.remoteWorkspaceFolder,
    env: { ...network.sessionEnv(before), ...env },
  };
  const warningMessage = await runStartCommands(before.startCommands, session, docker, context).then(
    () => "",
    async (error: unknown) => {
      context.signal.throwIfAborted();
      // The container is up, and what a person has in it must not make way for a recovery container.
      return lifecycleWarning(error instanceof Error ? error.message : String(error), started?.State.Pid ?? 0);
    },
  );
  await states.setDevcontainer(environmentId, { ...before, warningMessage });
  return true;
}

function isUnchanged(before: DevcontainerState, request: UpRequest, attempt: Attempt): boolean {
  return (
    !request.rebuild &&
    before.session === request.session &&
    before.failureCode === "" &&
    !before.recovery &&
    before.configPath === attempt.configPath &&
    before.configHash === attempt.configHash &&
    before.generated === attempt.generated &&
    before.dotfilesRepository === request.dotfilesRepository
  );
}
