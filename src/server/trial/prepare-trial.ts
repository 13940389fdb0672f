import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { BerthError } from "../../contract/berth-error.ts";
import { DomainRecordSchema, SsoConfigurationRecordSchema } from "../../contract/gen/berth/v1/sign_in_records_pb.js";
import {
  DomainVerificationState,
  SSOConfiguration_ProviderType,
  SSOConfigurationState,
} from "../../contract/gen/gitpod/v1/organization_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import { insertOrganization, newAccount } from "../../plane/membership.ts";
import { domainVerificationKind, ssoConfigurationKind } from "../../plane/sign-in-store/provider-kinds.ts";
import { accountKind, organizationKind } from "../../plane/store/identity-kinds.ts";
import { sealedOwner } from "../../plane/store/renew-sealed.ts";
import type { Store, Transaction } from "../../plane/store/store.ts";
import type { OpenedStore } from "../open-store.ts";
import { trialClientId, trialDomain, trialPeople } from "./trial-provider.ts";

/**
 * Makes what a trial needs, where it is not there: an organization with its administrator, its domain and its provider.
 * Gives the organization's id. Fails with `argument-invalid` when the database is a plane's that people really use.
 */
export async function prepareTrial(
  { store, sealer }: Pick<OpenedStore, "store" | "sealer">,
  provider: { readonly issuer: string; readonly clientSecret: string },
  now: () => number,
): Promise<string> {
  const organizationId = await organizationOf(store, now());
  const organization = store.inOrganization(organizationId);
  await organization.transaction(async (tx) => {
    const [stored] = await tx.all(ssoConfigurationKind);
    const id = stored?.id ?? uuidV7(now());
    const configuration = {
      ...{ id, organizationId, clientId: trialClientId, issuerUrl: provider.issuer, displayName: "The trial's own provider" },
      state: SSOConfigurationState.SSO_CONFIGURATION_STATE_ACTIVE,
      providerType: SSOConfiguration_ProviderType.BUILTIN,
    };
    // The administrator is made before the first sign-in, and each port is another issuer.
    const record = create(SsoConfigurationRecordSchema, { configuration, linkByVerifiedEmail: true, deviceSignIn: true });
    const sealed = sealer.seal(provider.clientSecret, sealedOwner(ssoConfigurationKind.name, id));
    if (stored === undefined) tx.insert(ssoConfigurationKind, id, record, { sealed });
    else tx.update(ssoConfigurationKind, stored, record, { sealed });
  });
  return organizationId;
}

async function organizationOf(store: Store, nowMs: number): Promise<string> {
  const installation = store.system("installation");
  const where = { labels: [trialDomain], phases: [DomainVerificationState.VERIFIED] };
  const [made] = await installation.all(domainVerificationKind, { where });
  if (made !== undefined) return made.organizationId;
  // Whoever is on this computer would be an administrator of it.
  if ((await installation.count(organizationKind)) > 0)
    throw new BerthError(
      "argument-invalid",
      "its plane.sqlite has an organization and is not a trial's; name another folder with --dev-folder",
    );
  return installation.transaction(async (tx) => {
    const { name, email } = trialPeople.demo;
    const account = newAccount({ name, email }, nowMs);
    tx.insert(accountKind, account.id, account);
    const { id } = insertOrganization(tx, { name: "Trial", account, loginProvider: "sso", nowMs }).organization;
    insertDomain(tx, id, nowMs);
    return id;
  });
}

/** Verified by nobody, and never looked at again: it is a name that DNS will never have. */
function insertDomain(tx: Transaction, organizationId: string, nowMs: number): void {
  const at = timestampFromMs(nowMs);
  const verification = {
    ...{ id: uuidV7(nowMs), organizationId, domain: trialDomain, createdAt: at, verifiedAt: at },
    state: DomainVerificationState.VERIFIED,
  };
  tx.insert(domainVerificationKind, verification.id, create(DomainRecordSchema, { verification }));
}
