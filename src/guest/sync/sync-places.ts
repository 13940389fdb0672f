import { join } from "node:path";
import type { EnvironmentStates } from "../environment-state.ts";

/**
 * The working copy that folders of this computer may be synced with. What is kept of a sync lies beside it, where no
 * container sees it, and goes with the environment.
 */
export function syncPlaces(states: EnvironmentStates, environmentId: string) {
  if (states.get(environmentId) === undefined) return undefined;
  return { root: states.workingCopy(environmentId), stateFolder: join(states.folderOf(environmentId), "sync") };
}
