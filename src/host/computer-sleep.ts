import type { MachineKeeper } from "../engine/machine-keeper.ts";
import { type Log, messageOf } from "../lib/log.ts";
import type { MachineDriver } from "../vm/driver.ts";
import { machineId } from "./settings.ts";

export interface SleepingComputer {
  readonly driver: MachineDriver;
  readonly machine: MachineKeeper;
  readonly log: Log;
}

/** This computer is about to sleep. A machine whose guest would not get over that is held where it is. */
export async function beforeSleep({ driver, machine, log }: SleepingComputer): Promise<void> {
  if (!driver.features.pauseForSleep || machine.view !== "ready") return;
  await driver.pause(machineId).catch((error: unknown) => log.warn("the machine was not paused", { reason: messageOf(error) }));
}

/** This computer woke: machines go on, and their clocks are set now rather than within a minute. */
export async function afterSleep({ driver, machine, log }: SleepingComputer): Promise<void> {
  if (driver.features.pauseForSleep)
    await driver.resume(machineId).catch((error: unknown) => log.warn("the machine was not continued", { reason: messageOf(error) }));
  machine.setClock();
}
