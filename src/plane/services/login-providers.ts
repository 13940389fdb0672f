import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import type { AccountService } from "../../contract/gen/gitpod/v1/account_pb.js";
import { paginate } from "../pagination.ts";
import { inviteKind } from "../store/identity-kinds.ts";
import { SSOConfigurationState } from "../../contract/gen/gitpod/v1/organization_pb.js";
import { ssoConfigurationKind } from "../sign-in-store/provider-kinds.ts";
import { normalEmail } from "../sign-in/email-domain.ts";
import type { ProviderConfiguration, ProviderDirectory } from "../sign-in/ports.ts";
import type { PageTokens } from "../store/page-tokens.ts";
import type { Store } from "../store/store.ts";

/** What a person's own organization signs in with, as the API tells it. */
const ssoProvider = "sso";

interface Needs {
  readonly store: Store;
  readonly tokens: PageTokens;
  readonly providers: ProviderDirectory;
  readonly publicUrl: URL | undefined;
}

/** How people may sign in; all that they need for it is an address of a domain that is known here. */
export function loginProviders({ store, tokens, providers, publicUrl }: Needs): Partial<ServiceImpl<typeof AccountService>> {
  const loginUrl = (query: Readonly<Record<string, string>>, returnTo?: string): string => {
    if (publicUrl === undefined) throw new BerthError("sign-in-not-set-up", "it was not told its public address");
    const url = new URL("/auth/sign-in", publicUrl);
    const back = returnPathOf(publicUrl, returnTo);
    url.search = new URLSearchParams({ ...query, ...(back === undefined ? {} : { return_to: back }) }).toString();
    return url.href;
  };
  const ofEmail = async (email: string): Promise<readonly ProviderConfiguration[]> => {
    const domain = normalEmail(email)?.domain;
    const found = domain === undefined ? [] : await providers.byVerifiedDomain(domain);
    return found.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  };
  return {
    getSSOLoginURL: async ({ email, returnTo }) => {
      const [first, second] = await ofEmail(email);
      if (first === undefined) throw new BerthError("sign-in-provider-unknown", "check the address after the @");
      return { loginUrl: loginUrl(second === undefined ? { provider: first.id } : { email }, returnTo) };
    },
    listSSOLogins: async ({ email, returnTo, pagination }) => {
      const { page, nextToken } = paginate(await ofEmail(email), ({ id }) => id, pagination, { tokens, list: `sso-logins/${email}` });
      const logins = page.map(({ id, displayName }) => ({ displayName, loginUrl: loginUrl({ provider: id }, returnTo) }));
      return { logins, pagination: { nextToken } };
    },
    listLoginProviders: async ({ filter, pagination }) => {
      const ids =
        filter?.inviteId === undefined ? (await ofEmail(filter?.email ?? "")).map(({ id }) => id) : await ofInvite(store, filter.inviteId);
      const { page, nextToken } = paginate(ids, (id) => id, pagination, {
        tokens,
        list: `login-providers/${filter?.inviteId ?? filter?.email ?? ""}`,
      });
      return {
        loginProviders: page.map((id) => ({ provider: ssoProvider, loginUrl: loginUrl({ provider: id }) })),
        pagination: { nextToken },
        allowCustom: false,
      };
    },
  };
}

async function ofInvite(store: Store, inviteId: string): Promise<readonly string[]> {
  const invite = await store.system("authentication").get(inviteKind, inviteId);
  if (invite === undefined) return [];
  const where = { phases: [SSOConfigurationState.SSO_CONFIGURATION_STATE_ACTIVE] };
  return (await store.inOrganization(invite.organizationId).all(ssoConfigurationKind, { where })).map(({ id }) => id);
}

/** The path of an address of the plane itself; other sites are no place to go back to. */
function returnPathOf(publicUrl: URL, returnTo: string | undefined): string | undefined {
  const url = returnTo === undefined || returnTo === "" ? null : URL.parse(returnTo);
  return url?.origin === publicUrl.origin ? `${url.pathname}${url.search}` : undefined;
}
