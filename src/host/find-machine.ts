import { BerthError } from "../contract/berth-error.ts";
import type { KeptMachine, Machines } from "../engine/machines.ts";

/** The machine that a request names; the shared one where it names none. Fails with `machine-not-found`. */
export function findMachine(machines: Machines, machineId: string): KeptMachine {
  const found = machineId === "" ? machines.shared : machines.find(machineId);
  if (found === undefined) throw new BerthError("machine-not-found", `'${machineId}'`);
  return found;
}
