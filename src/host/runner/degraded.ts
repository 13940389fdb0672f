import type { Accelerator } from "../../vm/driver.ts";
import type { ConnectionState } from "./runner-connection.ts";
import type { UpdateState } from "./update-state.ts";

const minFreeDiskBytes = 5 * 1024 ** 3;

export interface DegradedFacts {
  readonly accelerator: Accelerator;
  readonly acceleratorReason: string;
  readonly freeDiskBytes: number;
  readonly link: ConnectionState | undefined;
  /** Names of environments that the plane does not know any more. */
  readonly orphans: readonly string[];
  readonly machineFailures: readonly string[];
  readonly waitingCount: number;
  /** Why metrics are not on the port that was asked for. */
  readonly metricsFailure: string | undefined;
  readonly update: UpdateState;
}

/** What keeps a runner from doing all it should, in sentences; nothing when all is well. */
export function degradedReasons(facts: DegradedFacts): string[] {
  const { accelerator, acceleratorReason, freeDiskBytes, link, orphans, machineFailures, waitingCount, metricsFailure, update } = facts;
  return [
    ...(accelerator === "tcg" ? [`Machines run emulated and slow: ${acceleratorReason}`] : []),
    ...(freeDiskBytes < minFreeDiskBytes ? [`Only ${(freeDiskBytes / 1024 ** 3).toFixed(1)} GiB of disk are free`] : []),
    ...(link?.kind === "offline" ? [`The plane is not reached: ${link.reason.detail}`] : []),
    ...(link?.kind === "ended" ? [`The plane does not have this runner any more: ${link.reason.detail}`] : []),
    ...(orphans.length > 0 ? [`The plane does not know environments any more, which are stopped and kept: ${orphans.join(", ")}`] : []),
    ...machineFailures,
    ...(waitingCount > 0 ? [waitingCount === 1 ? "1 environment waits for room" : `${waitingCount} environments wait for room`] : []),
    ...(metricsFailure === undefined ? [] : [`Figures are on their socket alone: ${metricsFailure}`]),
    ...(update.kind === "rolled-back" ? [`Version ${update.version} did not become healthy: ${update.reason}`] : []),
  ];
}
