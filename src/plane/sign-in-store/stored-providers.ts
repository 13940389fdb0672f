import type { SsoConfigurationRecord, SsoConfigurationRecordSchema } from "../../contract/gen/berth/v1/sign_in_records_pb.js";
import { DomainVerificationState, SSOConfigurationState } from "../../contract/gen/gitpod/v1/organization_pb.js";
import type { ProviderConfiguration, ProviderDirectory } from "../sign-in/ports.ts";
import type { Sealing } from "../signing-keys/signing-keys.ts";
import { sealedOwner } from "../store/renew-sealed.ts";
import type { Reader, Store, Stored } from "../store/store.ts";
import { domainVerificationKind, ssoConfigurationKind } from "./provider-kinds.ts";

/** The identity providers of organizations, in the plane's store. */
export class StoredProviders implements ProviderDirectory {
  readonly #store: Store;
  readonly #sealing: Sealing;

  constructor(store: Store, sealing: Sealing) {
    this.#store = store;
    this.#sealing = sealing;
  }

  async byId(id: string): Promise<ProviderConfiguration | undefined> {
    const stored = await this.#store.system("authentication").get(ssoConfigurationKind, id);
    return stored === undefined
      ? undefined
      : this.#provider(stored, await verifiedDomains(this.#store.inOrganization(stored.organizationId)));
  }

  async byVerifiedDomain(domain: string): Promise<readonly ProviderConfiguration[]> {
    const where = { labels: [domain], phases: [DomainVerificationState.VERIFIED] };
    const proofs = await this.#store.system("authentication").all(domainVerificationKind, { where });
    const found: ProviderConfiguration[] = [];
    for (const { organizationId } of proofs) {
      const organization = this.#store.inOrganization(organizationId);
      const verified = await verifiedDomains(organization);
      const active = await organization.all(ssoConfigurationKind, {
        where: { phases: [SSOConfigurationState.SSO_CONFIGURATION_STATE_ACTIVE] },
      });
      for (const one of active) {
        if (domainsOf(one.message, verified).includes(domain)) found.push(await this.#provider(one, verified));
      }
    }
    return found;
  }

  async #provider(stored: Stored<typeof SsoConfigurationRecordSchema>, verified: readonly string[]): Promise<ProviderConfiguration> {
    const { id, organizationId, message } = stored;
    const { configuration, emailsAreVerified, linkByVerifiedEmail } = message;
    const issuer = configuration?.issuerUrl ?? "";
    const sealed = await this.#store.inOrganization(organizationId).sealed(ssoConfigurationKind, id);
    return {
      id,
      organizationId,
      displayName: configuration?.displayName === "" ? (URL.parse(issuer)?.host ?? issuer) : (configuration?.displayName ?? issuer),
      issuer,
      clientId: configuration?.clientId ?? "",
      ...(sealed === undefined ? {} : { clientSecret: this.#sealing.open(sealed, sealedOwner(ssoConfigurationKind.name, id)) }),
      additionalScopes: configuration?.additionalScopes ?? [],
      enabled: configuration?.state === SSOConfigurationState.SSO_CONFIGURATION_STATE_ACTIVE,
      verifiedDomains: domainsOf(message, verified),
      emailsAreVerified,
      linkByVerifiedEmail,
    };
  }
}

/** Whether an organization lets its people sign in with a code from another device: one of its active providers has to. */
export async function allowsDeviceSignIn(store: Store, organizationId: string): Promise<boolean> {
  const where = { phases: [SSOConfigurationState.SSO_CONFIGURATION_STATE_ACTIVE] };
  const active = await store.inOrganization(organizationId).all(ssoConfigurationKind, { where });
  return active.some(({ message }) => message.deviceSignIn);
}

/** The domains that an organization has verified. */
async function verifiedDomains(organization: Pick<Reader, "all">): Promise<readonly string[]> {
  const proofs = await organization.all(domainVerificationKind, { where: { phases: [DomainVerificationState.VERIFIED] } });
  return proofs.flatMap(({ message }) => message.verification?.domain ?? []);
}

/** For whose addresses a provider is: those of the domains that it names, or of all where it names none; verified ones alone. */
function domainsOf({ configuration }: SsoConfigurationRecord, verified: readonly string[]): readonly string[] {
  const named = configuration?.emailDomains ?? [];
  return named.length === 0 ? verified : verified.filter((domain) => named.includes(domain));
}
