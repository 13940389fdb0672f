import type { SSOConfiguration } from "../../../../contract/gen/gitpod/v1/organization_pb.js";

/** What Berth knows of a provider beside the fields of the API stands among its `claims` (docs/SIGN-IN.md). */
export const providerSettings = {
  emailsAreVerified: "berth.emails_are_verified",
  linkByVerifiedEmail: "berth.link_by_verified_email",
  deviceSignIn: "berth.device_sign_in",
} as const;
export type ProviderSetting = keyof typeof providerSettings;
export const providerSettingNames = [
  "emailsAreVerified",
  "linkByVerifiedEmail",
  "deviceSignIn",
] as const satisfies readonly ProviderSetting[];

/** With it among the scopes a plane can ask whether the provider still vouches for somebody. */
const offlineAccess = "offline_access";

/** A provider as it is filled in. */
export interface ProviderDraft extends Readonly<Record<ProviderSetting, boolean>> {
  readonly displayName: string;
  readonly issuerUrl: string;
  readonly clientId: string;
  /** Never shown again; empty keeps the one that is there. */
  readonly clientSecret: string;
  /** With commas or spaces between them. */
  readonly emailDomains: string;
  readonly staysSignedIn: boolean;
}

export function providerDraftOf(provider: SSOConfiguration | undefined): ProviderDraft {
  const isSet = (name: ProviderSetting): boolean => provider?.claims[providerSettings[name]] === "true";
  return {
    displayName: provider?.displayName ?? "",
    issuerUrl: provider?.issuerUrl ?? "",
    clientId: provider?.clientId ?? "",
    clientSecret: "",
    emailDomains: (provider?.emailDomains ?? []).join(", "),
    staysSignedIn: provider?.additionalScopes.includes(offlineAccess) ?? false,
    emailsAreVerified: isSet("emailsAreVerified"),
    linkByVerifiedEmail: isSet("linkByVerifiedEmail"),
    deviceSignIn: isSet("deviceSignIn"),
  };
}

/** Its name, or its issuer's host where it has none. */
export function providerName({ displayName, issuerUrl }: Pick<SSOConfiguration, "displayName" | "issuerUrl">): string {
  return displayName === "" ? (URL.parse(issuerUrl)?.host ?? issuerUrl) : displayName;
}

function domainsIn(text: string): string[] {
  return text.split(/[\s,;]+/).filter((part) => part !== "");
}

/** The fields that both requests of the API have. */
export function providerFields(draft: ProviderDraft, before: SSOConfiguration | undefined) {
  const scopes = (before?.additionalScopes ?? []).filter((scope) => scope !== offlineAccess);
  return {
    displayName: draft.displayName.trim(),
    issuerUrl: draft.issuerUrl.trim(),
    clientId: draft.clientId.trim(),
    emailDomains: domainsIn(draft.emailDomains),
    scopes: draft.staysSignedIn ? [...scopes, offlineAccess] : scopes,
    claims: Object.fromEntries(providerSettingNames.map((name) => [providerSettings[name], String(draft[name])])),
  };
}

export type ProviderFault = "issuer" | "clientId" | "secret" | "secretOfNewIssuer" | "domains" | "domainsStay";

/** What keeps it from being saved; undefined: nothing that can be seen here. */
export function providerFault(draft: ProviderDraft, before: SSOConfiguration | undefined): ProviderFault | undefined {
  const issuer = URL.parse(draft.issuerUrl.trim());
  if (issuer === null || !["https:", "http:"].includes(issuer.protocol)) return "issuer";
  if (draft.clientId.trim() === "") return "clientId";
  if (draft.clientSecret === "" && before === undefined) return "secret";
  if (draft.clientSecret === "" && draft.issuerUrl.trim() !== before?.issuerUrl) return "secretOfNewIssuer";
  const domains = domainsIn(draft.emailDomains);
  if (domains.some((domain) => !/^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$/i.test(domain))) return "domains";
  // The API has no way to say that none is meant.
  return domains.length === 0 && (before?.emailDomains.length ?? 0) > 0 ? "domainsStay" : undefined;
}
