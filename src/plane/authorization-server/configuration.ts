import { type Configuration, type JWK, type KoaContextWithOIDC } from "oidc-provider";
import { nativeClientId } from "../../contract/native-client.ts";
import { Markup, html, pageHeaders, pageText } from "../pages/page.ts";
import { type Members } from "./ports.ts";
import { FamilyLifetimes, type FamilyNeeds, maxVouchedFamilyS } from "./family-lifetimes.ts";
import { RecordAdapter, type RecordAdapterNeeds } from "./record-adapter.ts";
import { parseSubject } from "./subject.ts";

/** A revoked or barred person's access ends at once where it is looked up, and nowhere later than this. */
const accessTokenS = 10 * 60;
const authorizationCodeS = 60;
const interactionS = 10 * 60;
const deviceCodeS = 10 * 60;

export interface ConfigurationNeeds extends RecordAdapterNeeds, FamilyNeeds {
  readonly members: Members;
  readonly isSecure: boolean;
  /** RFC 8628, off unless an operator turns it on (S6). */
  readonly deviceFlow: boolean;
}

/** oidc-provider's settings: one public native client, and nothing turned on that it does not use. */
export function configurationFor(needs: ConfigurationNeeds, keys: readonly JWK[]): Configuration {
  const families = new FamilyLifetimes(needs);
  const prefix = needs.isSecure ? "__Secure-" : "";
  return {
    adapter: (model) => new RecordAdapter(model, needs),
    jwks: { keys },
    clients: [nativeClient(needs.deviceFlow)],
    scopes: ["openid", "offline_access"],
    claims: { openid: ["sub", "name", "email"] },
    responseTypes: ["code"],
    pkce: { required: () => true },
    cookies: { names: { session: `${prefix}berth-oauth`, interaction: `${prefix}berth-oauth-ask`, resume: `${prefix}berth-oauth-resume` } },
    clientBasedCORS: () => false,
    conformIdTokenClaims: false,
    issueRefreshToken: (ctx) => families.mayGoOn(ctx, (ctx.oidc.entities.AuthorizationCode ?? ctx.oidc.entities.DeviceCode)?.accountId),
    rotateRefreshToken: (ctx) => families.mayGoOn(ctx, ctx.oidc.entities.RefreshToken?.accountId),
    expiresWithSession: () => false,
    ttl: {
      AccessToken: accessTokenS,
      AuthorizationCode: authorizationCodeS,
      DeviceCode: deviceCodeS,
      IdToken: accessTokenS,
      Interaction: interactionS,
      Session: interactionS,
      Grant: maxVouchedFamilyS,
      RefreshToken: (ctx, token) => families.lifetimeS(ctx, token.authTime),
    },
    // Asked for each time: nobody is signed in at oidc-provider itself, and a native client needs a yes (RFC 8252 §8.6).
    interactions: { url: (_ctx, { uid }) => `/oauth/interaction/${uid}` },
    findAccount: async (_ctx, sub) => {
      const subject = parseSubject(sub);
      const member = subject === undefined ? undefined : await needs.members.find(subject.organizationId, subject.accountId);
      if (member === undefined) return undefined;
      return { accountId: sub, claims: () => ({ sub, name: member.name, email: member.email }) };
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      resourceIndicators: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      deviceFlow: { enabled: needs.deviceFlow, ...devicePages },
    },
    renderError: (ctx, out) => {
      // Descriptions of oidc-provider's errors are its own texts about the request.
      const detail = html`<p>The app asked in a way that is not allowed, or too late. Begin again in the app.</p>
        <p><small>${out.error}: ${out.error_description ?? ""}</small></p>`;
      sendTo(ctx, "The sign-in of the app was not finished", detail);
    },
  };
}

function nativeClient(deviceFlow: boolean) {
  return {
    client_id: nativeClientId,
    client_name: "Berth",
    application_type: "native" as const,
    token_endpoint_auth_method: "none" as const,
    // Any port of these is accepted (RFC 8252 §7.3), and no name, which could lead elsewhere.
    redirect_uris: ["http://127.0.0.1/callback", "http://[::1]/callback"],
    response_types: ["code" as const],
    grant_types: ["authorization_code", "refresh_token", ...(deviceFlow ? ["urn:ietf:params:oauth:grant-type:device_code"] : [])],
    id_token_signed_response_alg: "RS256" as const,
  };
}

const devicePages = {
  deviceInfo: (ctx: KoaContextWithOIDC) => ({ ip: ctx.ip, ua: ctx.get("user-agent").slice(0, 200) }),
  userCodeInputSource: (ctx: KoaContextWithOIDC, form: string, _out?: unknown, error?: unknown) => {
    const hint =
      error === undefined ? html`` : html`<p><strong>That code is not known, or no longer. Look at the device again.</strong></p>`;
    // A form of our own: the one that is given has a script in it, and no label.
    const [, xsrf = ""] = /name="xsrf" value="([\w-]+)"/.exec(form) ?? [];
    const body = html`${hint}
      <form method="post" action="/oauth/device">
        <input type="hidden" name="xsrf" value="${xsrf}" />
        <label
          >The code that your device shows<input name="user_code" autocomplete="off" autocapitalize="characters" required autofocus
        /></label>
        <button>Continue</button>
      </form>`;
    sendTo(ctx, "Sign in a device", body);
  },
  userCodeConfirmSource: (
    ctx: KoaContextWithOIDC,
    form: string,
    _client: unknown,
    info: Readonly<Record<string, unknown>>,
    code: string,
  ) => {
    const body = html`<p>A device asks to be signed in as you:</p>
      <p><code>${code}</code></p>
      <p><small>It asked from ${textOf(info["ip"])}, as ${textOf(info["ua"])}.</small></p>
      <p>
        <strong>Did you start this yourself, a moment ago?</strong> If somebody sent you the code, or you are not sure, do not continue:
        they would be signed in as you.
      </p>
      ${Markup.trusted(form)}
      <button form="op.deviceConfirmForm">I started it, continue</button>
      <button form="op.deviceConfirmForm" name="abort" value="yes">Stop</button>`;
    sendTo(ctx, "Did you start this?", body);
  },
  successSource: (ctx: KoaContextWithOIDC) => sendTo(ctx, "The device is signed in", html`<p>You can close this page.</p>`),
};

function sendTo(ctx: KoaContextWithOIDC, title: string, body: Markup): void {
  ctx.set(pageHeaders);
  ctx.body = pageText(title, body);
}

function textOf(value: unknown): string {
  return typeof value === "string" && value !== "" ? value : "an unknown place";
}
