import { type Environment, EnvironmentPhase } from "./gen/gitpod/v1/environment_pb.js";

export const environmentActions = ["start", "stop", "restart", "rebuild", "rename", "delete", "open-editor", "connect-ssh"] as const;
export type EnvironmentAction = (typeof environmentActions)[number];

/** Why an action cannot be done now, in a sentence for people. */
export const whyNot = {
  "being-deleted": "It is being deleted.",
  "already-running": "It is running already.",
  "already-starting": "It is starting.",
  "already-stopped": "It is stopped already.",
  "already-stopping": "It is stopping.",
  "not-running": "It is not running. Start it first.",
  "no-folder": "Its folder is not known until its dev container was made.",
} as const;
export type WhyNot = keyof typeof whyNot;

/**
 * Whether an action may be done on an environment as it is: nothing when it may, else the reason. The one place that
 * knows; whatever shows a button or runs a command asks here.
 */
export function whyEnvironmentCannot(action: EnvironmentAction, { spec, status }: Environment): WhyNot | undefined {
  const phase = status?.phase ?? EnvironmentPhase.UNSPECIFIED;
  const wished = spec?.desiredPhase ?? EnvironmentPhase.UNSPECIFIED;
  // What goes on and has failed is not going on any more, and the same again is another try.
  const failed = (status?.failureMessage.length ?? 0) > 0;
  if ([phase, wished].some((p) => p === EnvironmentPhase.DELETING || p === EnvironmentPhase.DELETED))
    return action === "delete" && phase === EnvironmentPhase.DELETING && failed ? undefined : "being-deleted";
  const stopped = phase === EnvironmentPhase.STOPPED;
  const running = phase === EnvironmentPhase.RUNNING && wished === EnvironmentPhase.RUNNING;
  const starting = !stopped && !running && wished === EnvironmentPhase.RUNNING;
  switch (action) {
    case "start":
      // Stopped against its wish means that it failed, and a start is another try.
      return running ? "already-running" : starting ? "already-starting" : undefined;
    case "stop":
      if (stopped) return "already-stopped";
      return wished === EnvironmentPhase.STOPPED && !(phase === EnvironmentPhase.STOPPING && failed) ? "already-stopping" : undefined;
    case "restart":
    case "rebuild":
    case "connect-ssh":
      return running ? undefined : starting ? "already-starting" : "not-running";
    case "open-editor":
      if (!running) return starting ? "already-starting" : "not-running";
      return (status?.devcontainer?.remoteWorkspaceFolder ?? "") === "" ? "no-folder" : undefined;
    case "rename":
    case "delete":
      return undefined;
  }
}
