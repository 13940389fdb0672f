import { EnvironmentPhase } from "../../contract/gen/gitpod/v1/environment_pb.js";

export type ChangeKind = "start" | "stop" | "delete" | "rename";

/** A change that was made while the plane was away, and what the person saw when making it. */
export interface SeenChange {
  readonly kind: ChangeKind;
  /** Of a rename. */
  readonly newName: string;
  readonly specVersion: bigint;
  readonly workDigest: string;
}

/** How the plane has it now. */
export interface EnvironmentNow {
  readonly specVersion: bigint;
  readonly desiredPhase: EnvironmentPhase;
  readonly name: string;
  readonly workDigest: string;
}

/** What becomes of a waiting change: it is told, is true already, is dropped, or is asked for again. */
export type Verdict = "tell" | "done" | "gone" | "changed-meanwhile" | "ask";

/**
 * The rule for changes that waited. What was changed at the plane meanwhile counts, and a deletion is never carried out on
 * something that is not as it was seen. `now` is undefined when there is no such environment any more.
 */
export function verdictOn(change: SeenChange, now: EnvironmentNow | undefined): Verdict {
  if (now === undefined || now.desiredPhase === EnvironmentPhase.DELETED) return change.kind === "delete" ? "done" : "gone";
  const isAsSeen = now.specVersion === change.specVersion;
  switch (change.kind) {
    case "delete":
      return isAsSeen && now.workDigest === change.workDigest ? "tell" : "ask";
    case "start":
    case "stop":
      if (isAsSeen) return "tell";
      return now.desiredPhase === wantedPhase(change.kind) ? "done" : "changed-meanwhile";
    case "rename":
      if (isAsSeen) return "tell";
      return now.name === change.newName ? "done" : "changed-meanwhile";
  }
}

/**
 * The version that the next change of the same environment counts as seen, after one that was carried out: ours counted
 * once, and whatever counted more than that was somebody else's.
 */
export function versionAfter(seen: bigint, now: bigint): bigint {
  return now > seen + 1n ? seen + 1n : now;
}

function wantedPhase(kind: "start" | "stop"): EnvironmentPhase {
  return kind === "start" ? EnvironmentPhase.RUNNING : EnvironmentPhase.STOPPED;
}
