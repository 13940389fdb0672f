import { BerthError } from "../../contract/berth-error.ts";
import { normalEmail } from "./email-domain.ts";
import { type AccountLinks, type ProviderConfiguration, type ProviderIdentity } from "./ports.ts";

/**
 * The account of somebody whom a provider has vouched for (S8). Issuer and subject are the key. The e-mail address only
 * decides whether somebody new may come in, and is kept, when it is verified and of a domain that the organization has
 * verified, so that a second provider cannot speak for the first one's people, nor find out who they are.
 */
export async function accountFor(links: AccountLinks, provider: ProviderConfiguration, identity: ProviderIdentity): Promise<string> {
  const known = await links.byIdentity(identity.issuer, identity.subject);
  if (known === undefined) return newcomer(links, provider, identity);
  if (!known.organizationIds.includes(provider.organizationId)) {
    emailOfDomain(provider, identity);
    await links.join(known.id, provider.organizationId);
  }
  await links.refresh(known.id, withinDomains(provider, identity));
  return known.id;
}

async function newcomer(links: AccountLinks, provider: ProviderConfiguration, identity: ProviderIdentity): Promise<string> {
  const verifiedEmail = emailOfDomain(provider, identity);
  const existing = await links.byEmail(verifiedEmail);
  if (existing === undefined) return (await links.create({ ...identity, verifiedEmail }, provider.organizationId)).id;
  // It may be the very account that another sign-in of theirs made since it was looked for.
  if ((await links.byIdentity(identity.issuer, identity.subject)) !== undefined) return accountFor(links, provider, identity);
  if (!provider.linkByVerifiedEmail)
    throw new BerthError("sign-in-account-exists", "this provider is not allowed to join accounts by their address");
  await links.link(existing.id, identity);
  await links.join(existing.id, provider.organizationId);
  return existing.id;
}

function emailOfDomain(provider: ProviderConfiguration, identity: ProviderIdentity): string {
  const parsed = normalEmail(identity.verifiedEmail ?? "");
  if (parsed === undefined) throw new BerthError("sign-in-email-unverified", `${provider.displayName} sent no verified address`);
  const { verifiedEmail } = withinDomains(provider, identity);
  if (verifiedEmail === undefined)
    throw new BerthError("sign-in-email-domain", `${provider.displayName} may not sign in people of ${parsed.domain}`);
  return verifiedEmail;
}

/** Without an address of a domain that the organization has not verified: it may be anybody's, whatever the provider says. */
function withinDomains(provider: ProviderConfiguration, { verifiedEmail, ...identity }: ProviderIdentity): ProviderIdentity {
  const parsed = normalEmail(verifiedEmail ?? "");
  return parsed !== undefined && provider.verifiedDomains.includes(parsed.domain) ? { ...identity, verifiedEmail: parsed.email } : identity;
}
