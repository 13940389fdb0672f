import { existsSync, statSync } from "node:fs";
import { findProgram } from "../../lib/find-program.ts";
import type { Log } from "../../lib/log.ts";
import { identifyProcess } from "../../lib/process-identity.ts";
import { waitUntil } from "../../lib/wait-until.ts";
import { passtArguments } from "./arguments.ts";
import type { MachineFolder } from "./machine-folder.ts";
import { childFailure, spawnDetached } from "../child-process.ts";

const startTimeoutMs = 20_000;
const pollMs = 5;

/** Starts a machine's passt where there is one; false when the network falls back to slirp. */
export async function startPasst(folder: MachineFolder, env: NodeJS.ProcessEnv, log: Log, signal: AbortSignal): Promise<boolean> {
  const passt = process.platform === "linux" ? findProgram("passt", env["PATH"]) : undefined;
  if (passt === undefined || env["BERTH_NETWORK"] === "slirp") return false;
  const child = spawnDetached(passt, passtArguments(folder.paths.netSocket, folder.passtPidFile), folder.passtLog, env);
  const failed = childFailure(child);
  const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
  if (identity !== undefined) await folder.saveProcess("passt", identity);
  const ready = (): boolean => existsSync(folder.passtPidFile) && statSync(folder.passtPidFile).size > 0;
  // passt writes its pid once it listens; its socket's file is there before.
  const up = await waitUntil(() => failed.error !== undefined || child.exitCode !== null || ready(), {
    intervalMs: pollMs,
    signal: AbortSignal.any([signal, AbortSignal.timeout(startTimeoutMs)]),
  });
  child.unref();
  if (up && failed.error === undefined && child.exitCode === null) return true;
  log.warn("passt did not start; the machine's network falls back to slirp", { log: folder.passtLog });
  return false;
}
