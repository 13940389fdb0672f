import { DomainRecordSchema, SsoConfigurationRecordSchema } from "../../contract/gen/berth/v1/sign_in_records_pb.js";
import { defineKind } from "../store/kind.ts";
import { msField } from "../store/kinds.ts";

/** An identity provider of an organization; its client secret stands sealed beside it. */
export const ssoConfigurationKind = defineKind({
  name: "sso-configuration",
  schema: SsoConfigurationRecordSchema,
  columns: ({ configuration }) => ({ organizationId: configuration?.organizationId ?? "", phase: configuration?.state ?? 0 }),
});

/** Its label is the domain, which several organizations may prove to be theirs; what expires is the last look at its record. */
export const domainVerificationKind = defineKind({
  name: "domain-verification",
  schema: DomainRecordSchema,
  columns: ({ verification, checkAt }) => ({
    organizationId: verification?.organizationId ?? "",
    label: verification?.domain ?? "",
    nameKey: verification?.domain ?? "",
    phase: verification?.state ?? 0,
    ...msField("createdAtMs", verification?.createdAt),
    ...msField("expiresAtMs", checkAt),
  }),
});
