import * as client from "openid-client";
import { BerthError } from "../../contract/berth-error.ts";
import { type GuardedFetch } from "../outbound/guarded-fetch.ts";
import { clientAuthentication } from "./client-authentication.ts";
import { normalEmail } from "./email-domain.ts";
import { type ProviderConfiguration, type ProviderIdentity } from "./ports.ts";
import { providerFailure } from "./provider-failure.ts";

const scopes = ["openid", "email", "profile"];
const maxSubjectLength = 255;
const maxNameLength = 200;
/** How far a provider's clock may be from ours. */
const clockToleranceS = 60;

/** What has to be remembered between the browser's leaving and its coming back. */
export interface SignInChecks {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

/**
 * OpenID Connect towards the identity providers of organizations: authorization code with PKCE S256, state, nonce and
 * `iss` (RFC 9700, RFC 9207). Nothing about a provider is kept between two sign-ins, so that new keys or endpoints
 * count at once.
 */
export class RelyingParty {
  readonly #outbound: GuardedFetch;

  constructor(outbound: GuardedFetch) {
    this.#outbound = outbound;
  }

  /** The address at the provider that the browser is sent to. */
  async begin(provider: ProviderConfiguration, redirectUri: string, loginHint: string | undefined, signal: AbortSignal) {
    try {
      const configuration = await this.#discover(provider, signal);
      // The browser is sent there, so it has to be a web page and nothing a browser would carry out.
      this.#outbound.checkUrl(configuration.serverMetadata().authorization_endpoint ?? "");
      const codeVerifier = client.randomPKCECodeVerifier();
      const checks: SignInChecks = { state: client.randomState(), nonce: client.randomNonce(), codeVerifier };
      const wanted = new Set([...scopes, ...provider.additionalScopes]);
      const url = client.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope: [...wanted].join(" "),
        // A refresh token is only given with the person's word (OpenID Connect Core 1.0 §11).
        ...(wanted.has("offline_access") ? { prompt: "consent" } : {}),
        code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: "S256",
        state: checks.state,
        nonce: checks.nonce,
        ...(loginHint === undefined ? {} : { login_hint: loginHint }),
      });
      return { url, checks };
    } catch (error) {
      throw providerFailure(error);
    }
  }

  /** Who came back. `callbackUrl` is the redirect URI as registered, with the query that the browser brought. */
  async complete(
    provider: ProviderConfiguration,
    callbackUrl: URL,
    checks: SignInChecks,
    signal: AbortSignal,
  ): Promise<{ readonly identity: ProviderIdentity; readonly refreshToken: string | undefined }> {
    try {
      const configuration = await this.#discover(provider, signal);
      const tokens = await client.authorizationCodeGrant(configuration, callbackUrl, {
        expectedState: checks.state,
        expectedNonce: checks.nonce,
        pkceCodeVerifier: checks.codeVerifier,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (claims === undefined) throw new BerthError("sign-in-provider-untrusted", "it sent no ID token");
      const wantsUserInfo = claims["email"] === undefined && configuration.serverMetadata().userinfo_endpoint !== undefined;
      // Address and its being verified have to come from the same answer.
      const person = wantsUserInfo ? await client.fetchUserInfo(configuration, tokens.access_token, claims.sub) : claims;
      return { identity: identityOf(provider, claims.iss, claims.sub, person), refreshToken: tokens.refresh_token };
    } catch (error) {
      throw providerFailure(error);
    }
  }

  /**
   * Asks the provider about somebody by its refresh token: undefined when it does not vouch for them any more. Fails like
   * `complete` when it cannot be asked, or what it says cannot be believed.
   */
  async refresh(
    provider: ProviderConfiguration,
    { refreshToken, subject, signal }: { readonly refreshToken: string; readonly subject: string; readonly signal: AbortSignal },
  ): Promise<{ readonly refreshToken: string } | undefined> {
    try {
      const tokens = await client.refreshTokenGrant(await this.#discover(provider, signal), refreshToken);
      const claims = tokens.claims();
      if (claims !== undefined && claims.sub !== subject) throw new BerthError("sign-in-provider-untrusted", "it speaks of somebody else");
      return { refreshToken: tokens.refresh_token ?? refreshToken };
    } catch (error) {
      if (error instanceof client.ResponseBodyError && error.error === "invalid_grant") return undefined;
      throw providerFailure(error);
    }
  }

  /** Where a person ends the session at the provider itself (OpenID Connect RP-Initiated Logout 1.0), if it has that. */
  async signOutUrl(provider: ProviderConfiguration, signal: AbortSignal): Promise<URL | undefined> {
    try {
      const configuration = await this.#discover(provider, signal);
      if (configuration.serverMetadata().end_session_endpoint === undefined) return undefined;
      return this.#outbound.checkUrl(client.buildEndSessionUrl(configuration).href);
    } catch {
      // Somebody who signs out is signed out here, whatever the provider does.
      return undefined;
    }
  }

  /** Checks the settings of a provider before anybody signs in with it. */
  async probe(provider: Pick<ProviderConfiguration, "issuer" | "clientId">, signal: AbortSignal): Promise<void> {
    try {
      await this.#discover(provider, signal);
    } catch (error) {
      throw providerFailure(error);
    }
  }

  async #discover(
    { issuer, clientId, clientSecret }: Pick<ProviderConfiguration, "issuer" | "clientId" | "clientSecret">,
    signal: AbortSignal,
  ): Promise<client.Configuration> {
    const url = this.#outbound.checkUrl(issuer);
    const configuration = await client.discovery(
      url,
      clientId,
      { [client.clockTolerance]: clockToleranceS, use_mtls_endpoint_aliases: false },
      clientAuthentication(clientSecret),
      {
        [client.customFetch]: (address, { method, headers, body, signal: own }) =>
          this.#outbound.fetch(address, {
            method,
            headers,
            ...(typeof body === "string" || body instanceof Uint8Array || body instanceof URLSearchParams ? { body } : {}),
            signal: own === undefined ? signal : AbortSignal.any([own, signal]),
          }),
        execute: [client.enableNonRepudiationChecks, ...(this.#outbound.allowsHttp ? [client.allowInsecureRequests] : [])],
      },
    );
    const metadata = configuration.serverMetadata();
    if (trimSlash(metadata.issuer) !== trimSlash(issuer))
      throw new BerthError("sign-in-provider-untrusted", "its issuer is not the one that was set up");
    return configuration;
  }
}

function identityOf(
  provider: ProviderConfiguration,
  issuer: string,
  subject: string,
  claims: Readonly<Record<string, unknown>>,
): ProviderIdentity {
  if (subject === "" || subject.length > maxSubjectLength)
    throw new BerthError("sign-in-provider-untrusted", "its subject is not of 1 to 255 characters");
  const { email, name, email_verified: isVerified } = claims;
  const parsed = typeof email === "string" ? normalEmail(email) : undefined;
  // Some providers send the text "true".
  const vouched = isVerified === true || isVerified === "true" || (isVerified === undefined && provider.emailsAreVerified);
  return {
    issuer,
    subject,
    name: typeof name === "string" && name !== "" ? name.slice(0, maxNameLength) : (parsed?.email ?? subject),
    ...(parsed !== undefined && vouched ? { verifiedEmail: parsed.email } : {}),
  };
}

function trimSlash(text: string): string {
  return text.replace(/\/$/, "");
}
