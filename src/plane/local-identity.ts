import { create } from "@bufbuild/protobuf";
import { BerthError } from "../contract/berth-error.ts";
import { cpusField, machineField, memoryField, ownMachine } from "../contract/environment-class.ts";
import type { EngineCalls } from "../contract/engine-port.ts";
import type { EnvironmentSpec } from "../contract/gen/gitpod/v1/environment_pb.js";
import { Principal } from "../contract/gen/gitpod/v1/identity_pb.js";
import {
  type EnvironmentClass,
  EnvironmentClassSchema,
  RunnerKind,
  RunnerProvider,
} from "../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { type Runner, RunnerPhase, RunnerSchema } from "../contract/gen/gitpod/v1/runner_pb.js";
import { uuidV7 } from "../lib/uuid.ts";
import { type Caller, subjectOf } from "./caller.ts";
import type { Fleet } from "./fleet.ts";
import type { Store } from "./store/store.ts";

/** Who everything belongs to where nobody signs in. Made once and kept in the database. */
export interface LocalIdentity {
  readonly organizationId: string;
  readonly userId: string;
  readonly runnerId: string;
  /** Of environments that share this computer's machine. */
  readonly classId: string;
  /** Of environments that have a machine of their own. */
  readonly dedicatedClassId: string;
  readonly caller: Caller;
}

export async function loadLocalIdentity(store: Store, now: () => number): Promise<LocalIdentity> {
  const idOf = async (name: string): Promise<string> => store.settingOnce(name, () => uuidV7(now()));
  const userId = await idOf("user-id");
  const organizationId = await idOf("organization-id");
  return {
    organizationId,
    userId,
    runnerId: await idOf("runner-id"),
    classId: await idOf("class-id"),
    dedicatedClassId: await idOf("dedicated-class-id"),
    caller: { principal: Principal.USER, id: userId, organizationId, accountId: "", isAdministrator: true, isReadOnly: false },
  };
}

/** How big the machine is that an environment has to itself. */
export interface DedicatedSize {
  readonly cpus: number;
  readonly memoryBytes: number;
}

/** The classes of the local runner, the usual one first. */
function localClasses(identity: LocalIdentity, dedicated?: DedicatedSize): EnvironmentClass[] {
  return [
    create(EnvironmentClassSchema, {
      id: identity.classId,
      displayName: "This computer",
      description: "The machine on this computer, shared by all environments",
      runnerId: identity.runnerId,
      enabled: true,
      configuration: [],
    }),
    create(EnvironmentClassSchema, {
      id: identity.dedicatedClassId,
      displayName: "Own machine",
      description: "A machine on this computer for this environment alone, walled off from all others",
      runnerId: identity.runnerId,
      enabled: true,
      configuration: [{ key: machineField, value: ownMachine }, ...sizeFields(dedicated)],
    }),
  ];
}

function sizeFields(size: DedicatedSize | undefined): { key: string; value: string }[] {
  if (size === undefined) return [];
  return [
    { key: cpusField, value: String(size.cpus) },
    { key: memoryField, value: String(size.memoryBytes) },
  ];
}

/** Whether a spec's class is that of environments with a machine of their own. */
export function isDedicatedClass(identity: LocalIdentity, spec: EnvironmentSpec | undefined): boolean {
  return spec?.machine?.class === identity.dedicatedClassId;
}

/** The fleet that is this computer alone. */
export function localFleet(
  identity: LocalIdentity,
  options: { readonly engineCalls: EngineCalls; readonly version: string; readonly dedicatedSize?: () => DedicatedSize },
): Fleet {
  const runner = localRunner(identity, options.version);
  const classes = () => localClasses(identity, options.dedicatedSize?.());
  return {
    runners: async () => [runner],
    classes: async () => classes(),
    findClass: async (_organizationId, id) => classes().find((one) => one.id === id),
    engineCalls: async (_organizationId, runnerId) => {
      if (runnerId !== runner.runnerId) throw new BerthError("resource-not-found", `there is no runner ${runnerId}`);
      return options.engineCalls;
    },
  };
}

/** This computer as a runner. */
function localRunner(identity: LocalIdentity, version: string): Runner {
  return create(RunnerSchema, {
    runnerId: identity.runnerId,
    name: "This computer",
    kind: RunnerKind.LOCAL,
    provider: process.platform === "darwin" ? RunnerProvider.DESKTOP_MAC : RunnerProvider.LINUX_HOST,
    spec: { desiredPhase: RunnerPhase.ACTIVE },
    status: { phase: RunnerPhase.ACTIVE, version },
    creator: subjectOf(identity.caller),
  });
}
