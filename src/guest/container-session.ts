import { isAbsolute, join } from "node:path";
import { BerthError } from "../contract/berth-error.ts";
import { toConnectError } from "../contract/connect-error.ts";
import { readSessionEnv, sessionEnvFiles } from "./devcontainer/session-env.ts";
import type { EnvironmentStates } from "./environment-state.ts";
import type { GuestNetwork } from "./network/guest-network.ts";
import type { Observer } from "./observe.ts";
import type { GuestSettings } from "./settings.ts";

export interface ContainerSession {
  readonly containerId: string;
  readonly user: string;
  readonly workingDirectory: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What every command that a person runs in a container is given. Fails with `environment-not-running`. */
export async function containerSession(
  environmentId: string,
  workingDirectory: string,
  dependencies: {
    readonly states: EnvironmentStates;
    readonly observer: Observer;
    readonly settings: GuestSettings;
    readonly network: GuestNetwork;
  },
): Promise<ContainerSession> {
  const { states, observer, settings, network } = dependencies;
  const devcontainer = states.get(environmentId)?.devcontainer;
  const container = observer.container(environmentId);
  if (devcontainer === undefined || container === undefined || !container.State.Running)
    throw toConnectError(new BerthError("environment-not-running", "its dev container does not run"));
  return {
    containerId: container.Id,
    user: devcontainer.remoteUser,
    workingDirectory: isAbsolute(workingDirectory) ? workingDirectory : join(devcontainer.remoteWorkspaceFolder, workingDirectory),
    env: {
      ...network.sessionEnv(devcontainer),
      ...devcontainer.remoteEnv,
      ...(await readSessionEnv(sessionEnvFiles(settings.runFolder, environmentId))),
    },
  };
}
