import { create } from "@bufbuild/protobuf";
import type { DatabaseSync } from "node:sqlite";
import { cpusField, machineField, memoryField, ownMachine } from "../contract/environment-class.ts";
import type { EnvironmentSpec } from "../contract/gen/gitpod/v1/environment_pb.js";
import { type Subject, SubjectSchema, Principal } from "../contract/gen/gitpod/v1/identity_pb.js";
import { type EnvironmentClass, EnvironmentClassSchema, RunnerProvider } from "../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { uuidV7 } from "../lib/uuid.ts";

/** Who everything belongs to where nobody signs in. Made once and kept in the database. */
export interface LocalIdentity {
  readonly organizationId: string;
  readonly userId: string;
  readonly runnerId: string;
  /** Of environments that share this computer's machine. */
  readonly classId: string;
  /** Of environments that have a machine of their own. */
  readonly dedicatedClassId: string;
  readonly subject: Subject;
}

export function loadLocalIdentity(database: DatabaseSync, now: () => number): LocalIdentity {
  const read = database.prepare("SELECT value FROM settings WHERE name = ?");
  // Of two processes that start at once one makes the id, and both use it.
  const write = database.prepare("INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING");
  const idOf = (name: string): string => {
    write.run(name, uuidV7(now()));
    return String(read.get(name)?.["value"]);
  };
  const userId = idOf("user-id");
  return {
    organizationId: idOf("organization-id"),
    userId,
    runnerId: idOf("runner-id"),
    classId: idOf("class-id"),
    dedicatedClassId: idOf("dedicated-class-id"),
    subject: create(SubjectSchema, { id: userId, principal: Principal.USER }),
  };
}

/** How big the machine is that an environment has to itself. */
export interface DedicatedSize {
  readonly cpus: number;
  readonly memoryBytes: number;
}

/** The classes of the local runner, the usual one first. */
export function localClasses(identity: LocalIdentity, dedicated?: DedicatedSize): EnvironmentClass[] {
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

/** What kind of runner this computer is. */
export function localProvider(): RunnerProvider {
  return process.platform === "darwin" ? RunnerProvider.DESKTOP_MAC : RunnerProvider.LINUX_HOST;
}
