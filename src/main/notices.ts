import type { DesktopSettings } from "../contract/desktop-bridge.ts";
import { EnvironmentPhase } from "../contract/gen/gitpod/v1/environment_pb.js";
import type { ShellState } from "./shell-state.ts";

/** Something a person who looks elsewhere wants to hear of; `route` is where a click leads. */
export interface Notice {
  readonly kind: "ready" | "failed" | "port";
  readonly environmentId: string;
  readonly name: string;
  /** The failure or the port. */
  readonly detail: string;
  readonly route: string;
}

/** Of more at once ports are left out, then everything: a machine that came back would announce all it holds. */
const maxNotices = 3;

/** What is worth telling about a change of the state. The first state after (re)connecting is no news. */
export function noticesOf(
  before: ShellState,
  after: ShellState,
  settings: Pick<DesktopSettings, "notifyReady" | "notifyFailed" | "notifyPorts">,
): readonly Notice[] {
  if (!before.connected || !after.connected) return [];
  const earlier = new Map(before.environments.map((environment) => [environment.id, environment]));
  const notices = after.environments.flatMap((now): Notice[] => {
    const then = earlier.get(now.id);
    const notice = (kind: Notice["kind"], detail: string, tab: string): Notice => ({
      kind,
      environmentId: now.id,
      name: now.name,
      detail,
      route: `/environments/${now.id}/${tab}`,
    });
    if (now.failure !== "" && now.failure !== then?.failure)
      return settings.notifyFailed ? [notice("failed", now.failure, "overview")] : [];
    if (then === undefined || now.phase !== EnvironmentPhase.RUNNING) return [];
    const wasRunning = then.phase === EnvironmentPhase.RUNNING;
    // Whether a port or the phase is seen first is chance; ports are told of what runs.
    const known = new Set(wasRunning ? then.ports.map(({ port }) => port) : []);
    const opened = now.ports.filter(({ port }) => !known.has(port));
    return [
      ...(!wasRunning && settings.notifyReady && now.failure === "" ? [notice("ready", "", "overview")] : []),
      ...(settings.notifyPorts
        ? opened.map(({ port, label }) => notice("port", label === "" ? `${port}` : `${port} (${label})`, "ports"))
        : []),
    ];
  });
  const told = notices.length > maxNotices ? notices.filter(({ kind }) => kind !== "port") : notices;
  return told.length > maxNotices ? [] : told;
}

/** The environments that failed while nobody looked: the number on the app's icon. */
export function unseenFailures(state: ShellState, seen: ReadonlySet<string>): readonly string[] {
  return state.environments.filter(({ failure, id }) => failure !== "" && !seen.has(id)).map(({ id }) => id);
}
