import type { EnvironmentClass } from "./gen/gitpod/v1/runner_configuration_pb.js";

const gib = 1024 ** 3;

/** The field of a class's configuration that says whose machine its environments run on. */
export const machineField = "machine";
/** Its value where each environment has a machine to itself. */
export const ownMachine = "own";
/** Its value where they share one. */
export const sharedMachine = "shared";
export const cpusField = "cpus";
export const memoryField = "memory_bytes";
/** What administrators give a runner's classes: numbers that fit a form. */
export const memoryGibField = "memory_gib";
export const diskGibField = "disk_gib";

/** Whether environments of this class have a machine of their own. */
export function hasOwnMachine({ configuration }: EnvironmentClass): boolean {
  return configuration.some(({ key, value }) => key === machineField && value === ownMachine);
}

/** How big the machine is that each environment of this class gets; undefined where the class does not say it. */
export function machineSizeOf({ configuration }: EnvironmentClass): { readonly cpus: number; readonly memoryBytes: number } | undefined {
  const value = (key: string): number => Number(configuration.find((field) => field.key === key)?.value);
  const bytes = value(memoryField);
  const size = { cpus: value(cpusField), memoryBytes: Number.isNaN(bytes) ? value(memoryGibField) * gib : bytes };
  return Number.isSafeInteger(size.cpus) && Number.isSafeInteger(size.memoryBytes) ? size : undefined;
}
