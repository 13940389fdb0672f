import { BerthError } from "../contract/berth-error.ts";
import { fromConnectError } from "../contract/connect-error.ts";
import { EnvironmentPhase } from "../contract/gen/gitpod/v1/environment_pb.js";
import type { HostClients } from "./connection.ts";
import { type EnvironmentView, type HostState, HostWatch } from "./host-watch.ts";
import { type Progress, stderrProgress } from "./progress.ts";
import { asError } from "./report.ts";
import { StepTeller } from "./step-teller.ts";

const openStep = "Looking at what this computer can do";
/** A step that is over before this is not worth a line. */
const openStepDelayMs = 500;

/** What a command wishes for, and how it sees that it came true. */
export interface Wish<T> {
  /** Tells the host and gives the environment's id; the steps of what follows are told on stderr. */
  readonly tell: () => Promise<string>;
  /** Undefined while it has not come true; fails when it cannot. The view is missing once the environment is gone. */
  readonly outcome: (view: EnvironmentView | undefined, state: HostState) => T | undefined;
  /** A step that lasts as long as the wait, for what the machine names no steps of. */
  readonly step?: string;
}

/** Tells the host a wish about an environment and waits until it has come true. */
export async function follow<T>(clients: HostClients, wish: Wish<T>, signal: AbortSignal): Promise<T> {
  const progress = stderrProgress();
  const watch = await openWatch(clients, progress, signal);
  try {
    const { machine, machines, environments } = watch.state;
    const before = { machine, machines: new Map(machines), environments: new Map(environments) };
    const environmentId = await wish.tell();
    if (wish.step !== undefined) progress.begin(wish.step, wish.step);
    const teller = new StepTeller({ progress, environmentId, before, now: Date.now });
    const version = await wishedVersion(clients, environmentId);
    // What the host tells may be a moment behind its answers.
    if (version !== undefined) await watch.until((state) => state.environments.get(environmentId));
    const found = await watch.until((state) => {
      teller.tell(state);
      const view = state.environments.get(environmentId);
      // Until the engine has looked at the wish, the status is about what was wished before.
      const isCurrent = view === undefined || version === undefined || specSeen(view) >= version;
      return isCurrent ? wish.outcome(view, state) : undefined;
    });
    progress.close("done");
    return found;
  } catch (error) {
    progress.close(signal.aborted ? undefined : "failed");
    throw error;
  } finally {
    watch.close();
  }
}

/** A new host first times what this computer can do, which may take a few seconds. */
async function openWatch(clients: HostClients, progress: Progress, signal: AbortSignal): Promise<HostWatch> {
  const slow = setTimeout(() => progress.begin(openStep, openStep), openStepDelayMs);
  try {
    const watch = await HostWatch.open(clients, signal);
    progress.end(openStep, "done");
    return watch;
  } catch (error) {
    progress.close(signal.aborted ? undefined : "failed");
    throw error;
  } finally {
    clearTimeout(slow);
  }
}

function specSeen({ environment }: EnvironmentView): bigint {
  return environment.status?.runnerAck?.specVersion ?? 0n;
}

/** True once it runs. Fails with what kept it from running. */
export function isRunning(view: EnvironmentView | undefined): EnvironmentView | undefined {
  if (view === undefined) throw new BerthError("environment-not-found", "it was deleted while this command waited for it");
  const { spec, status } = view.environment;
  if (spec?.desiredPhase === EnvironmentPhase.DELETED) throw new BerthError("environment-not-found", "it is being deleted");
  if (status?.phase === EnvironmentPhase.RUNNING) return view;
  if (status?.phase !== EnvironmentPhase.STOPPED) return undefined;
  if (spec?.desiredPhase === EnvironmentPhase.STOPPED)
    throw new BerthError("environment-not-running", "it was stopped while this command waited for it");
  failWith(view);
  return undefined;
}

/** True once it is stopped. */
export function isStopped(view: EnvironmentView | undefined): EnvironmentView | undefined {
  if (view === undefined) throw new BerthError("environment-not-found", "it was deleted while this command waited for it");
  const { spec, status } = view.environment;
  if (spec?.desiredPhase === EnvironmentPhase.DELETED) throw new BerthError("environment-not-found", "it is being deleted");
  if (spec?.desiredPhase === EnvironmentPhase.RUNNING)
    throw new BerthError("environment-busy", "it was started again while this command waited for it");
  if (status?.phase === EnvironmentPhase.STOPPED) return view;
  failWith(view);
  return undefined;
}

/** True once there is no such environment. Fails with what keeps its machine from removing it. */
export function isGone(view: EnvironmentView | undefined): true | undefined {
  if (view === undefined) return true;
  failWith(view);
  return undefined;
}

/** Fails with what the host tells to be in the way of the wish, if anything. */
function failWith({ environment }: EnvironmentView): void {
  const [failure] = environment.status?.failureMessage ?? [];
  if (failure !== undefined) throw asError(failure);
}

/** The version of the spec that holds the wish; undefined when the environment is gone already. */
async function wishedVersion({ environments }: HostClients, environmentId: string): Promise<bigint | undefined> {
  try {
    return (await environments.getEnvironment({ environmentId })).environment?.spec?.specVersion;
  } catch (error) {
    if (fromConnectError(error).code === "environment-not-found") return undefined;
    throw error;
  }
}
