import { existsSync } from "node:fs";
import { findProgram } from "../../lib/find-program.ts";
import type { Log } from "../../lib/log.ts";
import { identifyProcess } from "../../lib/process-identity.ts";
import { waitUntil } from "../../lib/wait-until.ts";
import { childFailure, spawnDetached } from "../child-process.ts";
import { gvproxyArguments } from "./arguments.ts";
import type { VzMachineFolder } from "./machine-folder.ts";

const startTimeoutMs = 20_000;
const pollMs = 50;

/**
 * Starts gvproxy for a machine's network, a process of its own beside vfkit; false when there is none, it does not
 * start, or `BERTH_NETWORK` is nat: macOS's own NAT has to do then.
 */
export async function startGvproxy(
  { folder, env, log }: { readonly folder: VzMachineFolder; readonly env: NodeJS.ProcessEnv; readonly log: Log },
  signal: AbortSignal,
): Promise<boolean> {
  const gvproxy = findProgram("gvproxy", env["PATH"]);
  if (gvproxy === undefined || env["BERTH_NETWORK"] === "nat") return false;
  const child = spawnDetached(gvproxy, gvproxyArguments(folder.paths.netSocket, folder.gvproxyPidFile), folder.gvproxyLog, env);
  const failed = childFailure(child);
  const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
  if (identity !== undefined) await folder.saveProcess("gvproxy", identity);
  const ended = (): boolean => failed.error !== undefined || child.exitCode !== null || child.signalCode !== null;
  // A datagram socket can be sent to as soon as its file is there.
  const up = await waitUntil(() => ended() || existsSync(folder.paths.netSocket), {
    intervalMs: pollMs,
    signal: AbortSignal.any([signal, AbortSignal.timeout(startTimeoutMs)]),
  });
  child.unref();
  if (up && !ended()) return true;
  log.warn("gvproxy did not start; the machine's network falls back to macOS's NAT", { log: folder.gvproxyLog });
  return false;
}
