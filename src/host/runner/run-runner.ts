import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pause, systemClock } from "../../lib/clock.ts";
import { berthPaths } from "../../lib/paths.ts";
import { runnerHome } from "../../lib/runner-messages.ts";
import { BerthError } from "../../contract/berth-error.ts";
import { createHost, type Host } from "../create-host.ts";
import { serviceLog } from "../log.ts";
import { loadPlane } from "./connect-plane.ts";
import { readRunnerConfig } from "./runner-config.ts";
import { runnerPaths } from "./runner-paths.ts";
import { RunnerRole } from "./runner-role.ts";
import type { Supervisor } from "./supervisor-channel.ts";

/** As long as the process before this one may take to end. */
const predecessorTimeoutMs = 30_000;
const lockPollMs = 250;

export interface RunOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Above this process, where it runs as a service. */
  readonly supervisor: Supervisor | undefined;
  /** Ends the runner; machines run on. */
  readonly signal: AbortSignal;
}

/** Serves as a runner in this process until the signal aborts. Fails with `host-running` or `setting-invalid`. */
export async function runRunner({ env, supervisor, signal }: RunOptions): Promise<void> {
  const home = env["BERTH_HOME"] ?? runnerHome;
  const paths = runnerPaths(home);
  const config = await readRunnerConfig(paths.config);
  // ssh's own configuration is of people who sit at this computer.
  const hostEnv = { ...env, BERTH_HOME: home, BERTH_SSH_CONFIG: join(home, "ssh", "user-config") };
  const { logs, hostLog } = berthPaths(hostEnv);
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  const log = serviceLog(hostLog);
  const ended = Promise.withResolvers<void>();
  const role = new RunnerRole({
    paths,
    config,
    connectPlane: await loadPlane(paths, systemClock, log),
    clock: systemClock,
    log,
    updateNow: supervisor === undefined ? undefined : async () => supervisor.updateNow(),
    onReady: () => supervisor?.ready(),
    onLink: (isConnected) => supervisor?.link(isConnected),
  });
  const host = await whenFree(async () => createHost({ env: hostEnv, role, onEnd: () => ended.resolve() }), supervisor, signal);
  const end = (): void => void host.end();
  if (signal.aborted) end();
  signal.addEventListener("abort", end);
  await ended.promise;
  if (role.wasAsked) supervisor?.endedByCall();
}

/** In a service the process before this one may still be ending: its supervisor was killed, or it is of another version. */
async function whenFree(start: () => Promise<Host>, supervisor: Supervisor | undefined, signal: AbortSignal): Promise<Host> {
  if (supervisor === undefined) return start();
  const limit = AbortSignal.any([signal, AbortSignal.timeout(predecessorTimeoutMs)]);
  for (;;) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof BerthError) || error.code !== "host-running" || limit.aborted) throw error;
      await pause(systemClock, lockPollMs, limit);
    }
  }
}
