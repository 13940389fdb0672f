import type { MachineKeeper } from "../engine/machine-keeper.ts";
import { type Log, messageOf } from "../lib/log.ts";
import type { HostParts } from "./create-host.ts";
import type { MachineSizes } from "./settings/host-settings.ts";

const growTimeoutMs = 60_000;

/** Gives machines that run the larger disk that was set. What cannot be done now is done at their next boot. */
export async function growDisks({ machines, sizesOf, log }: Pick<HostParts, "machines" | "sizesOf" | "log">): Promise<void> {
  await Promise.all(machines.all.map(async (machine) => growDisk(machine.keeper, sizesOf(machine), log)));
}

async function growDisk(keeper: MachineKeeper, sizes: MachineSizes, log: Log): Promise<void> {
  const { startedSize, nextSize } = sizes;
  if (startedSize === undefined || nextSize.dataDiskLimitBytes <= startedSize.dataDiskLimitBytes) return;
  try {
    const grown = await keeper.growDisk(nextSize.dataDiskLimitBytes, AbortSignal.timeout(growTimeoutMs));
    if (grown) await sizes.noteStart({ ...startedSize, dataDiskLimitBytes: nextSize.dataDiskLimitBytes });
  } catch (error) {
    log.warn("the disk was not grown while the machine runs", { reason: messageOf(error) });
  }
}
