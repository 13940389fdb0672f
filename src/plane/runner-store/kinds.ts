import {
  CarriedMessageRecordSchema,
  GatewayRecordSchema,
  RunnerCredentialRecordSchema,
  RunnerStateRecordSchema,
  SealedHostTokenRecordSchema,
} from "../../contract/gen/berth/v1/records_pb.js";
import { SCMIntegrationSchema } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { type Columns, defineKind } from "../store/kind.ts";

/** Messages between server processes, and those processes, belong to no organization. */
const noOrganization = "-";

export const runnerStateKind = defineKind({
  name: "runner-state",
  schema: RunnerStateRecordSchema,
  // Who is marked as being there goes missing unless it says otherwise: the column is what such runners are found by.
  columns: ({ isThere, lastActiveMs }): Columns => (isThere ? { expiresAtMs: Number(lastActiveMs) } : {}),
});

/** The id of the record is the hash. */
export const runnerCredentialKind = defineKind({
  name: "runner-credential",
  schema: RunnerCredentialRecordSchema,
  columns: ({ runnerId, kind, expiresAtMs }): Columns => ({
    runnerId,
    role: kind,
    ...(expiresAtMs === undefined ? {} : { expiresAtMs: Number(expiresAtMs) }),
  }),
});

/** The id of the record is that of the host authentication token. */
export const sealedHostTokenKind = defineKind({
  name: "sealed-host-token",
  schema: SealedHostTokenRecordSchema,
  columns: ({ runnerId, principalId, host }): Columns => ({ runnerId, creatorId: principalId, label: host }),
});

export const scmIntegrationKind = defineKind({
  name: "scm-integration",
  schema: SCMIntegrationSchema,
  columns: ({ runnerId, host }): Columns => ({ runnerId, parentId: runnerId, label: host }),
});

export const carriedMessageKind = defineKind({
  name: "carried-message",
  schema: CarriedMessageRecordSchema,
  columns: ({ expiresAtMs }): Columns => ({ organizationId: noOrganization, expiresAtMs: Number(expiresAtMs) }),
});

/** The id of the record is the gateway's name. */
export const gatewayKind = defineKind({
  name: "gateway",
  schema: GatewayRecordSchema,
  columns: ({ expiresAtMs }): Columns => ({ organizationId: noOrganization, expiresAtMs: Number(expiresAtMs) }),
});
