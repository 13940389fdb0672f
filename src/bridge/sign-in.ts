import * as client from "openid-client";
import { BerthError } from "../contract/berth-error.ts";
import { abortable } from "../lib/abortable.ts";
import { listenOnLoopback } from "./loopback-listener.ts";
import { discoverPlane, planeFailure } from "./plane-client.ts";
import { type StoredSignIn } from "./token-store.ts";

const scope = "openid offline_access";

export interface BrowserSignInOptions {
  readonly planeUrl: URL;
  /** Opens a web address in the system's browser, never in a window of the app (RFC 8252 §8.12). */
  readonly openBrowser: (url: URL) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Signs in with the system's browser: loopback redirect, PKCE S256, state, nonce, `iss`. Fails with `sign-in-refused`,
 * `sign-in-expired`, `sign-in-provider-untrusted` or `plane-unreachable`.
 */
export async function signInWithBrowser({ planeUrl, openBrowser, signal }: BrowserSignInOptions): Promise<StoredSignIn> {
  const configuration = await discoverPlane(planeUrl);
  const checks = {
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
    pkceCodeVerifier: client.randomPKCECodeVerifier(),
  };
  const listener = await listenOnLoopback(checks.expectedState, signal);
  try {
    const url = authorizationUrl(configuration, {
      redirect_uri: listener.redirectUri,
      scope,
      // Without it no refresh token is given (OpenID Connect Core 1.0 §11).
      prompt: "consent",
      code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
      code_challenge_method: "S256",
      state: checks.expectedState,
      nonce: checks.expectedNonce,
    });
    await openBrowser(url);
    const callback = await listener.callback;
    try {
      const signedIn = storedOf(
        planeUrl,
        await client.authorizationCodeGrant(configuration, callback.url, { ...checks, idTokenExpected: true }),
      );
      callback.answer({ title: "You are signed in to Berth", text: "You can close this page and go back to Berth." });
      return signedIn;
    } catch (error) {
      callback.answer({ title: "You are not signed in", text: "Go back to Berth, which says why." });
      throw planeFailure(error, "sign-in-refused");
    }
  } finally {
    listener.close();
  }
}

function authorizationUrl(configuration: client.Configuration, parameters: Record<string, string>): URL {
  try {
    return client.buildAuthorizationUrl(configuration, parameters);
  } catch (error) {
    throw new BerthError("sign-in-provider-untrusted", "the plane's sign-in has no address that a browser can open", { cause: error });
  }
}

/** What a person has to do on another device. */
export interface DeviceCodePrompt {
  readonly userCode: string;
  readonly verificationUrl: string;
  readonly expiresAtMs: number;
}

export interface DeviceSignInOptions {
  readonly planeUrl: URL;
  readonly show: (prompt: DeviceCodePrompt) => void;
  readonly signal: AbortSignal;
}

/**
 * Signs in a computer without a browser by a code that is entered elsewhere (RFC 8628). Fails with `device-sign-in-off`
 * where the plane does not offer it, else as `signInWithBrowser`.
 */
export async function signInWithDeviceCode({ planeUrl, show, signal }: DeviceSignInOptions): Promise<StoredSignIn> {
  const configuration = await discoverPlane(planeUrl);
  if (configuration.serverMetadata().device_authorization_endpoint === undefined)
    throw new BerthError("device-sign-in-off", `${planeUrl.host} does not offer it`);
  try {
    const started = await client.initiateDeviceAuthorization(configuration, { scope });
    // The complete address, with the code in it, is what phishing mails carry; it is not shown.
    show({ userCode: started.user_code, verificationUrl: started.verification_uri, expiresAtMs: Date.now() + started.expires_in * 1000 });
    const expired = AbortSignal.timeout(started.expires_in * 1000);
    const polling = client.pollDeviceAuthorizationGrant(configuration, started, undefined, { signal: AbortSignal.any([signal, expired]) });
    // By itself it looks at the signal between two questions only.
    return storedOf(planeUrl, await abortable(polling, signal));
  } catch (error) {
    if (signal.aborted) throw new BerthError("canceled", "the sign-in was ended", { cause: error });
    const code = error instanceof client.ResponseBodyError ? error.error : undefined;
    if (code === "expired_token") throw new BerthError("sign-in-expired", "the code was not entered in time", { cause: error });
    throw planeFailure(error, "sign-in-refused");
  }
}

type Tokens = client.TokenEndpointResponse & client.TokenEndpointResponseHelpers;

function storedOf(planeUrl: URL, tokens: Tokens): StoredSignIn {
  const claims = tokens.claims();
  const [organizationId, accountId] = (claims?.sub ?? "").split(".");
  if (organizationId === undefined || accountId === undefined || tokens.refresh_token === undefined)
    throw new BerthError("sign-in-provider-untrusted", "the plane's answer does not say who signed in");
  const name = claims?.["name"];
  return {
    version: 1,
    planeUrl: planeUrl.href,
    organizationId,
    accountId,
    name: typeof name === "string" ? name : accountId,
    refreshToken: tokens.refresh_token,
    accessToken: tokens.access_token,
    accessTokenExpiresAtMs: Date.now() + (tokens.expires_in ?? 0) * 1000,
  };
}
