import type { AgentStream, MachineExit } from "../driver.ts";

/** What this process knows of a machine beside what its files tell. */
export interface Live {
  exit: MachineExit | undefined;
  agent: AgentStream | undefined;
  starting: boolean;
  /** It was seen running, and its end was not dealt with yet. */
  running: boolean;
  paused: boolean;
  /** What is left of a machine that ended is being put away; its next start must not be taken for it. */
  ending: Promise<void> | undefined;
  folderFailures: ReadonlyMap<string, string>;
}

export function newLive(): Live {
  return {
    exit: undefined,
    agent: undefined,
    starting: false,
    running: false,
    paused: false,
    ending: undefined,
    folderFailures: new Map(),
  };
}
