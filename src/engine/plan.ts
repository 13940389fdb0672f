/** What is wanted of an environment. One may want running, never starting (P6). */
export interface Wish {
  readonly phase: "running" | "stopped" | "deleted";
  readonly source: "clone" | "folder" | "none";
  readonly cloneJobId: string;
  readonly upJobId: string;
  readonly stopJobId: string;
  readonly deleteJobId: string;
  readonly devcontainerSession: string;
}

export type JobView = "absent" | "running" | "succeeded" | "failed";

/** What was observed of it. `known` is false while the machine has nothing of it. */
export interface Observation {
  readonly machine: "off" | "busy" | "paused" | "ready" | "asleep" | "failed";
  /** The machine is this environment's alone. */
  readonly isMachineOwn: boolean;
  readonly known: boolean;
  readonly contentReady: boolean;
  readonly container: "absent" | "stopped" | "running";
  readonly containerSession: string;
  /** The keys that may log in are those that are wanted, or nobody can say. */
  readonly keysInSync: boolean;
  /** Something is going on in the machine for this environment. */
  readonly anyJobRunning: boolean;
  readonly upload: JobView;
  readonly job: (jobId: string) => JobView;
}

export type Step =
  | { readonly kind: "start-machine" }
  | { readonly kind: "clone" }
  | { readonly kind: "upload" }
  | { readonly kind: "devcontainer-up" }
  /** What runs goes on meanwhile. */
  | { readonly kind: "authorize-keys" }
  | { readonly kind: "stop-containers" }
  | { readonly kind: "delete" }
  | { readonly kind: "remove-record" }
  /** The machine holds nothing else: it goes with its disk, and then the record. */
  | { readonly kind: "remove-with-machine" }
  /** Something is going on; its end wakes the actor. */
  | { readonly kind: "wait" }
  /** Nothing to do until the wish or the world changes. */
  | { readonly kind: "settled"; readonly outcome: "running" | "stopped" | "failed" };

/** The next step from what is observed towards what is wanted; pure, and the same whatever happened before (P7). */
export function plan(wish: Wish, seen: Observation): Step {
  if (wish.phase === "deleted" && seen.isMachineOwn) return { kind: "remove-with-machine" };
  if (seen.machine !== "asleep") return planAwake(wish, seen);
  // What was so when it fell asleep is so still; a machine wakes only for what there is to do.
  const step = wish.phase === "deleted" ? undefined : planAwake(wish, { ...seen, machine: "ready" });
  return step?.kind === "settled" ? step : { kind: "start-machine" };
}

function planAwake(wish: Wish, seen: Observation): Step {
  switch (wish.phase) {
    case "running":
      return planRunning(wish, seen);
    case "stopped":
      return planStopped(wish, seen);
    case "deleted":
      return planDeleted(wish, seen);
  }
}

function planRunning(wish: Wish, seen: Observation): Step {
  if (seen.machine === "failed") return { kind: "settled", outcome: "failed" };
  if (seen.machine === "off") return { kind: "start-machine" };
  if (seen.machine === "busy" || seen.machine === "paused") return { kind: "wait" };
  if (!seen.contentReady) {
    const made = wish.source === "folder" ? seen.upload : seen.job(wish.cloneJobId);
    if (made === "running") return { kind: "wait" };
    if (made === "failed" || wish.source === "none") return { kind: "settled", outcome: "failed" };
    return { kind: wish.source === "folder" ? "upload" : "clone" };
  }
  const up = seen.job(wish.upJobId);
  if (up === "running") return { kind: "wait" };
  if (up === "failed") return { kind: "settled", outcome: "failed" };
  if (seen.container === "running" && seen.containerSession === wish.devcontainerSession)
    return seen.keysInSync ? { kind: "settled", outcome: "running" } : { kind: "authorize-keys" };
  // The job of this start succeeded and the container ended since: a person's doing, not ours to undo.
  return up === "succeeded" ? { kind: "settled", outcome: "stopped" } : { kind: "devcontainer-up" };
}

function planStopped(wish: Wish, seen: Observation): Step {
  if (seen.machine === "busy" || seen.machine === "paused") return { kind: "wait" };
  if (seen.machine !== "ready") return { kind: "settled", outcome: "stopped" };
  if (seen.job(wish.stopJobId) === "running") return { kind: "wait" };
  const active = seen.container === "running" || seen.anyJobRunning;
  if (!active) return { kind: "settled", outcome: "stopped" };
  return seen.job(wish.stopJobId) === "failed" ? { kind: "settled", outcome: "failed" } : { kind: "stop-containers" };
}

function planDeleted(wish: Wish, seen: Observation): Step {
  if (seen.machine === "busy" || seen.machine === "paused") return { kind: "wait" };
  if (seen.machine === "failed") return { kind: "settled", outcome: "failed" };
  // Whether the machine's disk holds anything of it is known only when the machine runs.
  if (seen.machine === "off") return { kind: "start-machine" };
  if (!seen.known) return { kind: "remove-record" };
  const removal = seen.job(wish.deleteJobId);
  if (removal === "running") return { kind: "wait" };
  return removal === "failed" ? { kind: "settled", outcome: "failed" } : { kind: "delete" };
}
