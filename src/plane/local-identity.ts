import { create } from "@bufbuild/protobuf";
import type { DatabaseSync } from "node:sqlite";
import { type Subject, SubjectSchema, Principal } from "../contract/gen/gitpod/v1/identity_pb.js";
import { type EnvironmentClass, EnvironmentClassSchema, RunnerProvider } from "../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { uuidV7 } from "../lib/uuid.ts";

/** Who everything belongs to where nobody signs in. Made once and kept in the database. */
export interface LocalIdentity {
  readonly organizationId: string;
  readonly userId: string;
  readonly runnerId: string;
  readonly classId: string;
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
    subject: create(SubjectSchema, { id: userId, principal: Principal.USER }),
  };
}

/** The classes of the local runner: today one machine that all environments share. */
export function localClasses(identity: LocalIdentity): EnvironmentClass[] {
  return [
    create(EnvironmentClassSchema, {
      id: identity.classId,
      displayName: "This computer",
      description: "The machine on this computer, shared by all environments",
      runnerId: identity.runnerId,
      enabled: true,
      configuration: [],
    }),
  ];
}

/** What kind of runner this computer is. */
export function localProvider(): RunnerProvider {
  return process.platform === "darwin" ? RunnerProvider.DESKTOP_MAC : RunnerProvider.LINUX_HOST;
}
