import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { type SsoConfigurationRecord, SsoConfigurationRecordSchema } from "../../contract/gen/berth/v1/sign_in_records_pb.js";
import {
  type OrganizationService,
  type SSOConfiguration,
  SSOConfiguration_ProviderType,
  SSOConfigurationSchema,
  SSOConfigurationState,
  type UpdateSSOConfigurationRequest,
} from "../../contract/gen/gitpod/v1/organization_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import type { ScopeOf } from "../request-scope.ts";
import { ssoConfigurationKind } from "../sign-in-store/provider-kinds.ts";
import { parseDomain } from "../sign-in/domain-verification.ts";
import type { RelyingParty } from "../sign-in/relying-party.ts";
import type { Sealing } from "../signing-keys/signing-keys.ts";
import { sealedOwner } from "../store/renew-sealed.ts";
import type { Transaction } from "../store/store.ts";
import { found } from "./found.ts";
import { settingsFrom, settingsOf } from "./sso-settings.ts";
import { refuse } from "./supported-spec.ts";

const maxProvidersPerOrganization = 20;
const kindName = "SSO configuration";

export interface SsoNeeds {
  readonly scopeOf: ScopeOf;
  readonly sealing: Sealing;
  /** Absent where the plane was not told its public address, so that nobody can sign in. */
  readonly signIn: { readonly publicUrl: URL; readonly relyingParty: Pick<RelyingParty, "probe"> } | undefined;
  readonly now: () => number;
}

/** The identity providers of organizations. Client secrets go in and never out. */
export function ssoConfigurations(needs: SsoNeeds): Partial<ServiceImpl<typeof OrganizationService>> {
  return { ...reading(needs), ...writing(needs) };
}

function reading({ scopeOf, signIn }: SsoNeeds): Partial<ServiceImpl<typeof OrganizationService>> {
  return {
    getSSOConfiguration: async ({ ssoConfigurationId }, context) => {
      const scope = scopeOf(context);
      const { message } = await found(scope.store, ssoConfigurationKind, ssoConfigurationId, kindName);
      return { ssoConfiguration: shown(message, signIn?.publicUrl) };
    },
    listSSOConfigurations: async ({ pagination }, context) => {
      const scope = scopeOf(context);
      const { items, nextToken } = await scope.store.list(ssoConfigurationKind, pagination);
      return { ssoConfigurations: items.map(({ message }) => shown(message, signIn?.publicUrl)), pagination: { nextToken } };
    },
  };
}

function writing(needs: SsoNeeds): Partial<ServiceImpl<typeof OrganizationService>> {
  const { scopeOf, sealing, now } = needs;
  const seal = (secret: string, id: string): Uint8Array => sealing.seal(secret, sealedOwner(ssoConfigurationKind.name, id));
  return {
    createSSOConfiguration: async (request, context) => {
      const scope = scopeOf(context);
      if (request.claimsExpression !== undefined && request.claimsExpression !== "") refuse("claims_expression");
      const { organizationId, clientId, issuerUrl, displayName, additionalScopes } = request;
      const id = uuidV7(now());
      const configuration = create(SSOConfigurationSchema, {
        ...{ id, organizationId, clientId, issuerUrl, displayName, additionalScopes },
        ...domainFields(request.emailDomain, request.emailDomains),
        state: SSOConfigurationState.SSO_CONFIGURATION_STATE_ACTIVE,
        providerType: SSOConfiguration_ProviderType.CUSTOM,
      });
      await probe(needs, configuration, context.signal);
      const record = create(SsoConfigurationRecordSchema, { configuration });
      await scope.store.transaction(async (tx) => {
        if ((await tx.all(ssoConfigurationKind)).length >= maxProvidersPerOrganization)
          throw new BerthError("request-invalid", `there are ${maxProvidersPerOrganization} SSO configurations already`);
        tx.insert(ssoConfigurationKind, id, record, { sealed: seal(request.clientSecret, id) });
      });
      return { ssoConfiguration: shown(record, needs.signIn?.publicUrl) };
    },
    updateSSOConfiguration: async (request, context) => {
      const scope = scopeOf(context);
      const id = request.ssoConfigurationId;
      const before = (await found(scope.store, ssoConfigurationKind, id, kindName)).message;
      const wanted = updated(before, request).configuration;
      const old = before.configuration;
      const isElsewhere = wanted?.issuerUrl !== old?.issuerUrl;
      // Else the secret of one provider could be had by naming another one.
      if (isElsewhere && request.clientSecret === undefined)
        throw new BerthError("request-invalid", "client_secret: another issuer needs its own client secret");
      const isTurnedOn =
        old?.state !== SSOConfigurationState.SSO_CONFIGURATION_STATE_ACTIVE &&
        wanted?.state === SSOConfigurationState.SSO_CONFIGURATION_STATE_ACTIVE;
      if (wanted !== undefined && (isElsewhere || isTurnedOn)) await probe(needs, wanted, context.signal);
      await scope.store.transaction(async (tx) => {
        const stored = await found(tx, ssoConfigurationKind, id, kindName);
        if (stored.message.configuration?.issuerUrl !== old?.issuerUrl)
          throw new BerthError("changed-meanwhile", "its issuer was changed at the same time");
        const record = updated(stored.message, request);
        if (record.configuration?.state !== SSOConfigurationState.SSO_CONFIGURATION_STATE_ACTIVE) await keepAProvider(tx, id);
        const sealed = request.clientSecret === undefined ? {} : { sealed: seal(request.clientSecret, id) };
        tx.update(ssoConfigurationKind, stored, record, sealed);
      });
      return {};
    },
    deleteSSOConfiguration: async ({ ssoConfigurationId }, context) => {
      const scope = scopeOf(context);
      await scope.store.transaction(async (tx) => {
        const stored = await found(tx, ssoConfigurationKind, ssoConfigurationId, kindName);
        await keepAProvider(tx, stored.id);
        tx.delete(ssoConfigurationKind, stored);
      });
      return {};
    },
  };
}

async function probe({ signIn }: SsoNeeds, configuration: SSOConfiguration, signal: AbortSignal): Promise<void> {
  if (signIn === undefined) throw new BerthError("sign-in-not-set-up", "it was not told its public address");
  await signIn.relyingParty.probe({ issuer: configuration.issuerUrl, clientId: configuration.clientId }, signal);
}

/** Fails with `request-invalid` when nobody of the organization could sign in any more but with this one. */
async function keepAProvider(tx: Transaction, withoutId: string): Promise<void> {
  const active = await tx.all(ssoConfigurationKind, { where: { phases: [SSOConfigurationState.SSO_CONFIGURATION_STATE_ACTIVE] } });
  if (active.length > 0 && active.every(({ id }) => id === withoutId))
    throw new BerthError("request-invalid", "it is the last active SSO configuration of the organization; add another one first");
}

function updated(record: SsoConfigurationRecord, request: UpdateSSOConfigurationRequest): SsoConfigurationRecord {
  const { clientId, issuerUrl, state, displayName, additionalScopes, claimsExpression } = request;
  if (claimsExpression !== undefined && claimsExpression !== "") refuse("claims_expression");
  if (state === SSOConfigurationState.SSO_CONFIGURATION_STATE_UNSPECIFIED)
    throw new BerthError("request-invalid", "state: must be active or inactive");
  const configuration = create(SSOConfigurationSchema, {
    ...(record.configuration ?? create(SSOConfigurationSchema)),
    ...(clientId === undefined ? {} : { clientId }),
    ...(issuerUrl === undefined ? {} : { issuerUrl }),
    ...(state === undefined ? {} : { state }),
    ...(displayName === undefined ? {} : { displayName }),
    ...(additionalScopes === undefined ? {} : { additionalScopes: additionalScopes.scopes }),
    ...(request.emailDomain === undefined && request.emailDomains.length === 0
      ? {}
      : domainFields(request.emailDomain, request.emailDomains)),
  });
  return create(SsoConfigurationRecordSchema, { ...record, ...settingsFrom(request.claims), configuration });
}

/** One domain and a list of them are both in the API, of different ages. */
function domainFields(one: string | undefined, many: readonly string[]): { emailDomain: string; emailDomains: string[] } {
  const emailDomains = [...new Set([...(one === undefined ? [] : [one]), ...many].map(parseDomain))];
  return { emailDomain: emailDomains[0] ?? "", emailDomains };
}

function shown(record: SsoConfigurationRecord, publicUrl: URL | undefined): SSOConfiguration {
  const configuration = record.configuration ?? create(SSOConfigurationSchema);
  return create(SSOConfigurationSchema, { ...configuration, claims: settingsOf(record, publicUrl) });
}
