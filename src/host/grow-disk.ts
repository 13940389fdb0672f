import { messageOf } from "../lib/log.ts";
import type { HostParts } from "./create-host.ts";

const growTimeoutMs = 60_000;

/** Gives a machine that runs the larger disk that was set. What cannot be done now is done at its next boot. */
export async function growDisk({ machine, settings, log }: Pick<HostParts, "machine" | "settings" | "log">): Promise<void> {
  const { startedSize, nextSize } = settings;
  if (startedSize === undefined || nextSize.dataDiskLimitBytes <= startedSize.dataDiskLimitBytes) return;
  try {
    const grown = await machine.growDisk(nextSize.dataDiskLimitBytes, AbortSignal.timeout(growTimeoutMs));
    if (grown) await settings.noteStart({ ...startedSize, dataDiskLimitBytes: nextSize.dataDiskLimitBytes });
  } catch (error) {
    log.warn("the disk was not grown while the machine runs", { reason: messageOf(error) });
  }
}
