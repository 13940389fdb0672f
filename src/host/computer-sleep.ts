import type { Machines } from "../engine/machines.ts";
import { type Log, messageOf } from "../lib/log.ts";
import type { MachineDriver } from "../vm/driver.ts";

export interface SleepingComputer {
  readonly driver: MachineDriver;
  readonly machines: Machines;
  readonly log: Log;
}

/** This computer is about to sleep. Machines whose guests would not get over that are held where they are. */
export async function beforeSleep({ driver, machines, log }: SleepingComputer): Promise<void> {
  if (!driver.features.pauseForSleep) return;
  const ready = machines.all.filter(({ keeper }) => keeper.view === "ready");
  const failed = (error: unknown): void => log.warn("the machine was not paused", { reason: messageOf(error) });
  await Promise.all(ready.map(async ({ id }) => driver.pause(id).catch(failed)));
}

/** This computer woke: machines go on, and their clocks are set now rather than within a minute. */
export async function afterSleep({ driver, machines, log }: SleepingComputer): Promise<void> {
  const failed = (error: unknown): void => log.warn("the machine was not continued", { reason: messageOf(error) });
  if (driver.features.pauseForSleep) await Promise.all(machines.all.map(async ({ id }) => driver.resume(id).catch(failed)));
  machines.setClock();
}
