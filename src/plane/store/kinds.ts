import { EmptySchema, timestampMs, type Timestamp } from "@bufbuild/protobuf/wkt";
import { type Environment, EnvironmentSchema } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { ResourceType } from "../../contract/gen/gitpod/v1/event_pb.js";
import { HostAuthenticationTokenSchema } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { type Secret, SecretSchema } from "../../contract/gen/gitpod/v1/secret_pb.js";
import { sshAliasOf } from "../../lib/ssh-alias.ts";
import { type Columns, defineKind } from "./kind.ts";

export const environmentKind = defineKind({
  name: "environment",
  schema: EnvironmentSchema,
  resourceType: ResourceType.ENVIRONMENT,
  columns: ({ id, metadata, status }: Environment): Columns => ({
    ...(metadata === undefined || metadata.organizationId === "" ? {} : { organizationId: metadata.organizationId }),
    creatorId: metadata?.creator?.id ?? "",
    runnerId: metadata?.runnerId ?? "",
    projectId: metadata?.projectId ?? "",
    // So that an event of it says which runner has to look.
    parentId: metadata?.runnerId ?? "",
    label: metadata?.sessionId ?? "",
    phase: status?.phase ?? 0,
    role: metadata?.role ?? 0,
    nameKey: environmentNameKey(metadata?.creator?.id ?? "", metadata?.name ?? ""),
    searchText: [metadata?.name, metadata?.originalContextUrl, id].join("\n"),
    ...msField("createdAtMs", metadata?.createdAt),
    ...msField("archivedAtMs", metadata?.archivedAt),
    ...msField("expiresAtMs", metadata?.lockdownAt),
  }),
});

/** One for each person whose environments are counted; its id is theirs. It is written with each environment that counts. */
export const environmentQuotaKind = defineKind({ name: "environment-quota", schema: EmptySchema, columns: () => ({}) });

/** Two names of one person's environments that ssh cannot tell apart, such as "My app" and "my-app", are one. */
export function environmentNameKey(creatorId: string, name: string): string {
  return `${creatorId}/${sshAliasOf(name, "")}`;
}

export const secretKind = defineKind({
  name: "secret",
  schema: SecretSchema,
  columns: (secret: Secret): Columns => ({
    creatorId: secret.creator?.id ?? "",
    parentId: secret.scope?.scope.value ?? "",
    projectId: secret.scope?.scope.case === "projectId" ? secret.scope.scope.value : "",
    // Two secrets of one owner that would be in the same place are one.
    nameKey: [secret.scope?.scope.case ?? "", secret.scope?.scope.value ?? "", mountKey(secret)].join("/"),
  }),
});

/** Where a secret is put, and as what. */
export function mountKey({ name, mount }: Secret): string {
  const place = mount.case === "environmentVariable" || mount.case === "apiOnly" ? name : mount.value;
  return `${mount.case ?? ""}:${place ?? ""}`;
}

export const hostTokenKind = defineKind({
  name: "host-token",
  schema: HostAuthenticationTokenSchema,
  columns: ({ subject, runnerId, expiresAt }) => ({ creatorId: subject?.id ?? "", runnerId, ...msField("expiresAtMs", expiresAt) }),
});

type TimeColumn = "createdAtMs" | "archivedAtMs" | "expiresAtMs";

/** A time's column, where there is a time. */
export function msField(column: TimeColumn, time: Timestamp | undefined): Pick<Columns, TimeColumn> {
  return time === undefined ? {} : { [column]: timestampMs(time) };
}
