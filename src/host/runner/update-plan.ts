import type { UpdateWindow } from "./runner-config.ts";
import type { TryingState, UpdateState } from "./update-state.ts";

/** About weekly. */
export const checkIntervalMs = 7 * 24 * 3600_000;
/** After a check that failed, e.g. because the feed did not answer. */
export const failedCheckIntervalMs = 6 * 3600_000;
/** So long a new version has to become healthy. */
export const healthLimitMs = 60_000;
/** So long it has to stay so before it counts as good. */
export const probationMs = 10_000;
/** A version during whose trial this computer or its supervisor ended so often is given up. */
export const maxTries = 2;
const hourMs = 3600_000;
const hoursOfDay = 24;

/** The runner's process as its supervisor sees it. */
export interface ChildView {
  readonly version: string;
  readonly startedAtMs: number;
  /** Since when it works, machines adopted and, where it must be, connected. */
  readonly healthySinceMs: number | undefined;
  readonly ended: { readonly reason: string; readonly restartAtMs: number } | undefined;
}

export interface UpdateObservation {
  readonly nowMs: number;
  readonly state: UpdateState;
  /** What the links point to. */
  readonly good: string;
  readonly current: string;
  readonly child: ChildView | undefined;
  /** A person asked for a check. */
  readonly isAsked: boolean;
  /** One is under way; another is not begun meanwhile. */
  readonly isChecking: boolean;
  readonly hasFeed: boolean;
  readonly window: UpdateWindow | undefined;
}

/** One thing for a supervisor to do before it looks again. */
export type UpdateStep =
  | { readonly kind: "note"; readonly state: UpdateState }
  | { readonly kind: "link-current"; readonly version: string }
  | { readonly kind: "link-good"; readonly version: string }
  /** Ends the process that runs, where one does, and starts this version. */
  | { readonly kind: "start"; readonly version: string }
  /** The same for a version on trial, which is counted first. */
  | { readonly kind: "try"; readonly state: TryingState }
  | { readonly kind: "check" }
  | { readonly kind: "wait"; readonly untilMs: number };

/**
 * What is to be done next. Each step leaves the disk so that another supervisor, after a crash at any moment, plans on:
 * `good` points to a version that has proved itself at all times, and the service starts from there.
 */
export function planUpdate(observation: UpdateObservation): UpdateStep {
  const { state } = observation;
  return state.kind === "trying" ? planTrial(observation, state) : planUsual(observation);
}

function planTrial({ nowMs, good, current, child }: UpdateObservation, state: TryingState): UpdateStep {
  const { version, checkedAtMs, tries } = state;
  const rollBack = (reason: string): UpdateStep => ({ kind: "note", state: { kind: "rolled-back", checkedAtMs, version, reason } });
  if (good === version) return { kind: "note", state: { kind: "idle", checkedAtMs, message: `updated to ${version}` } };
  if (current !== version) return { kind: "link-current", version };
  if (child?.version !== version)
    return tries < maxTries ? { kind: "try", state: { ...state, tries: tries + 1 } } : rollBack("its trial was cut short again and again");
  if (child.ended !== undefined) return rollBack(child.ended.reason);
  const limitMs = child.startedAtMs + healthLimitMs;
  if (child.healthySinceMs === undefined)
    return nowMs >= limitMs ? rollBack(`it was not healthy within ${healthLimitMs / 1000} s`) : { kind: "wait", untilMs: limitMs };
  const provedAtMs = child.healthySinceMs + probationMs;
  return nowMs >= provedAtMs ? { kind: "link-good", version } : { kind: "wait", untilMs: provedAtMs };
}

function planUsual({ nowMs, state, good, current, child, isAsked, isChecking, hasFeed, window }: UpdateObservation): UpdateStep {
  if (current !== good) return { kind: "link-current", version: good };
  if (child?.version !== good) return { kind: "start", version: good };
  if (child.ended !== undefined)
    return nowMs >= child.ended.restartAtMs ? { kind: "start", version: good } : { kind: "wait", untilMs: child.ended.restartAtMs };
  if (isChecking) return { kind: "wait", untilMs: Number.POSITIVE_INFINITY };
  if (isAsked) return { kind: "check" };
  if (!hasFeed) return { kind: "wait", untilMs: Number.POSITIVE_INFINITY };
  const dueMs = nextOpenMs(Math.max(nowMs, state.checkedAtMs + checkIntervalMs), window);
  return nowMs >= dueMs ? { kind: "check" } : { kind: "wait", untilMs: dueMs };
}

/** The first moment from one on that is within the window, in UTC. */
export function nextOpenMs(fromMs: number, window: UpdateWindow | undefined): number {
  if (window === undefined) return fromMs;
  const hour = new Date(fromMs).getUTCHours();
  const hoursSinceStart = (hour - window.startHour + hoursOfDay) % hoursOfDay;
  const windowHours = (window.endHour - window.startHour + hoursOfDay) % hoursOfDay;
  if (hoursSinceStart < windowHours) return fromMs;
  return Math.floor(fromMs / hourMs) * hourMs + (hoursOfDay - hoursSinceStart) * hourMs;
}
