import { BerthError } from "../contract/berth-error.ts";
import type { Machine } from "../contract/gen/berth/v1/host_pb.js";
import { sharedMachineId } from "../contract/machine-id.ts";
import type { HostClients } from "./connection.ts";
import { allEnvironments, findEnvironment, nameOf } from "./environments.ts";

/** What people call the machine that environments share. */
const sharedName = "shared";

export interface NamedMachine {
  readonly id: string;
  /** As `--machine` takes it. */
  readonly name: string;
  readonly machine: Machine;
}

/** All machines, the shared one first; a machine that an environment has to itself goes by the environment's name. */
export async function allMachines(clients: HostClients): Promise<NamedMachine[]> {
  const { machines } = await clients.host.listMachines({});
  const names = new Map((await allEnvironments(clients)).map((environment) => [environment.id, nameOf(environment)]));
  return machines.map((machine) => ({
    id: machine.id,
    name: machine.environmentId === "" ? sharedName : (names.get(machine.environmentId) ?? machine.id),
    machine,
  }));
}

/**
 * The id of a machine by `shared`, its own id, or the name or id of an environment that is on it; the shared one's
 * without a name. Fails with `machine-not-found`.
 */
export async function findMachineId(clients: HostClients, name: string | undefined): Promise<string> {
  if (name === undefined || name === sharedName || name === sharedMachineId) return sharedMachineId;
  const { machines } = await clients.host.listMachines({});
  if (machines.some(({ id }) => id === name)) return name;
  const environment = await findEnvironment(clients, name).catch(() => undefined);
  if (environment === undefined) throw new BerthError("machine-not-found", `'${name}'`);
  const { details } = await clients.workspaces.getDetails({ environmentId: environment.id });
  return details?.machineId ?? sharedMachineId;
}
