import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { type DomainRecord, DomainRecordSchema } from "../../contract/gen/berth/v1/sign_in_records_pb.js";
import {
  type DomainVerification,
  DomainVerificationSchema,
  DomainVerificationState,
  type OrganizationService,
} from "../../contract/gen/gitpod/v1/organization_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import type { ScopeOf } from "../request-scope.ts";
import { verifiedRecord } from "../sign-in-store/domain-checks.ts";
import { domainVerificationKind } from "../sign-in-store/provider-kinds.ts";
import { domainRecord, type DomainVerifier, newDomainToken, parseDomain } from "../sign-in/domain-verification.ts";
import { found } from "./found.ts";

const maxDomainsPerOrganization = 100;

/** The domains of organizations, and their proof by DNS. */
export function domainVerifications(needs: {
  readonly scopeOf: ScopeOf;
  readonly verifier: DomainVerifier;
  readonly now: () => number;
}): Partial<ServiceImpl<typeof OrganizationService>> {
  const { scopeOf, verifier, now } = needs;
  return {
    createDomainVerification: async ({ organizationId, domain }, context) => {
      const scope = scopeOf(context);
      const verification = create(DomainVerificationSchema, {
        id: uuidV7(now()),
        organizationId,
        domain: parseDomain(domain),
        state: DomainVerificationState.PENDING,
        verificationToken: newDomainToken(),
        createdAt: timestampFromMs(now()),
      });
      return scope.store.transaction(async (tx) => {
        if ((await tx.all(domainVerificationKind)).length >= maxDomainsPerOrganization)
          throw new BerthError("request-invalid", `there are ${maxDomainsPerOrganization} domains already`);
        const record = create(DomainRecordSchema, { verification });
        tx.insert(domainVerificationKind, verification.id, record);
        return { domainVerification: shown(record) };
      });
    },
    getDomainVerification: async ({ domainVerificationId }, context) => {
      const scope = scopeOf(context);
      const { message } = await found(scope.store, domainVerificationKind, domainVerificationId, "domain verification");
      return { domainVerification: shown(message) };
    },
    listDomainVerifications: async ({ pagination }, context) => {
      const scope = scopeOf(context);
      const { items, nextToken } = await scope.store.list(domainVerificationKind, pagination);
      return { domainVerifications: items.map(({ message }) => shown(message)), pagination: { nextToken } };
    },
    verifyDomain: async ({ domainVerificationId }, context) => {
      const scope = scopeOf(context);
      const { message } = await found(scope.store, domainVerificationKind, domainVerificationId, "domain verification");
      const { domain = "", verificationToken = "" } = message.verification ?? {};
      await verifier.verify(domain, verificationToken, context.signal);
      return scope.store.transaction(async (tx) => {
        const stored = await found(tx, domainVerificationKind, domainVerificationId, "domain verification");
        const record = verifiedRecord(stored.message.verification ?? create(DomainVerificationSchema), now());
        tx.update(domainVerificationKind, stored, record);
        return { domainVerification: shown(record) };
      });
    },
    deleteDomainVerification: async ({ domainVerificationId }, context) => {
      const scope = scopeOf(context);
      await scope.store.transaction(async (tx) => {
        tx.delete(domainVerificationKind, await found(tx, domainVerificationKind, domainVerificationId, "domain verification"));
      });
      return {};
    },
  };
}

/** With the whole value of its TXT record in place of the bare token, to be copied as it is. */
function shown({ verification = create(DomainVerificationSchema) }: DomainRecord): DomainVerification {
  const verificationToken = domainRecord(verification.domain, verification.verificationToken).value;
  return create(DomainVerificationSchema, { ...verification, verificationToken });
}
