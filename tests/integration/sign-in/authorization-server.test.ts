import { connect, createServer, type IncomingHttpHeaders } from "node:http2";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import * as client from "openid-client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { authorizationKind, signingKeyKind } from "../../../src/plane/sign-in-store/kinds.ts";
import { AuthorizingPlane } from "../../support/sign-in/authorizing-plane.ts";
import { serveOnLoopback } from "../../support/sign-in/http-server.ts";
import { WebBrowser } from "../../support/sign-in/web-browser.ts";

let plane: AuthorizingPlane;
let browser: WebBrowser;

beforeEach(async () => {
  plane = new AuthorizingPlane();
  await plane.start();
  browser = await plane.signedInBrowser();
});

afterEach(() => plane.end());

function discover(): Promise<client.Configuration> {
  return client.discovery(new URL("/oauth", plane.origin), "berth", undefined, client.None(), {
    execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
  });
}

const verifier = client.randomPKCECodeVerifier();

/** The address an app opens; what a test changes is in `change`. */
async function authorizationUrl(configuration: client.Configuration, change: Record<string, string | undefined> = {}): Promise<URL> {
  const url = client.buildAuthorizationUrl(configuration, {
    redirect_uri: "http://127.0.0.1:53187/callback",
    scope: "openid offline_access",
    prompt: "consent",
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state: "state-of-the-app",
    nonce: "nonce-of-the-app",
  });
  for (const [name, value] of Object.entries(change)) {
    if (value === undefined) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  return url;
}

/** The way back to the app, which nobody listens for. */
async function callbackOf(url: URL, answer = "allow"): Promise<URL> {
  const page = await browser.submit(await browser.open(url), { answer }).catch(() => undefined);
  expect(page).toBeUndefined();
  return new URL(browser.visited.at(-1) ?? "");
}

const checks = { expectedState: "state-of-the-app", expectedNonce: "nonce-of-the-app", pkceCodeVerifier: verifier };

async function signIn(configuration: client.Configuration) {
  const callback = await callbackOf(await authorizationUrl(configuration));
  return client.authorizationCodeGrant(configuration, callback, checks);
}

async function isTaken(accessToken: string): Promise<boolean> {
  const { status } = await fetch(`${plane.origin}/api`, { headers: { authorization: `Bearer ${accessToken}` } });
  return status === 200;
}

async function recordsOf(wanted: string) {
  return (await plane.store.all(authorizationKind)).filter(({ model }) => model === wanted);
}

const invalidGrant = { error: "invalid_grant" };

test("an app signs in on any port of the loopback, and its token speaks for the person in the organization", async () => {
  const configuration = await discover();
  const tokens = await signIn(configuration);
  expect(tokens.claims()).toMatchObject({ sub: "org-1.account-1", name: "Ada <b>", email: "ada@example.com" });
  expect(await plane.authorization.holderOf(tokens.access_token)).toMatchObject({ organizationId: "org-1", accountId: "account-1" });
  expect(tokens.refresh_token).toBeDefined();
  expect(plane.events.all).toEqual(["signed in org-1.account-1 through app from 127.0.0.1"]);
  const page = await browser.open(await authorizationUrl(configuration, { redirect_uri: "http://[::1]:40000/callback" }));
  expect(page.text).toContain("<strong>Ada &#60;b&#62;</strong>");
});

test.each<[string, Record<string, string | undefined>]>([
  ["a name in place of the address", { redirect_uri: "http://localhost:53187/callback" }],
  ["another path", { redirect_uri: "http://127.0.0.1:53187/other" }],
  ["another host", { redirect_uri: "http://127.0.0.1.evil.example/callback" }],
  ["https elsewhere", { redirect_uri: "https://evil.example/callback" }],
  ["another client", { client_id: "another" }],
])("an app that asks with %s is told so on a page, and nobody is sent there", async (_name, change) => {
  const page = await browser.open(await authorizationUrl(await discover(), change));
  expect(page.status).toBe(400);
  expect(page.url.origin).toBe(plane.origin);
});

test.each<[string, Record<string, string | undefined>]>([
  ["without PKCE", { code_challenge: undefined, code_challenge_method: undefined }],
  ["with plain PKCE", { code_challenge_method: "plain" }],
  ["for a token in the address", { response_type: "token" }],
  ["for a resource of its own", { response_type: "id_token" }],
])("an app that asks %s gets an error and no code", async (_name, change) => {
  await browser.open(await authorizationUrl(await discover(), change)).catch(() => undefined);
  const last = new URL(browser.visited.at(-1) ?? "");
  const told = last.origin === plane.origin ? "" : `${last.search}${last.hash}`;
  expect(told).not.toMatch(/code=|token=/);
  expect(await recordsOf("AuthorizationCode")).toEqual([]);
});

test("each sign-in of an app is confirmed by the person, who may refuse, and whom nobody can answer for", async () => {
  const configuration = await discover();
  await signIn(configuration);
  const silent = await browser.open(await authorizationUrl(configuration, { prompt: undefined }));
  expect(silent.text).toContain("Sign in the app?");
  const denied = await callbackOf(await authorizationUrl(configuration), "deny");
  expect(denied.searchParams.get("error")).toBe("access_denied");
  const page = await browser.open(await authorizationUrl(configuration));
  const forged = await browser.open(page.url, {
    method: "POST",
    origin: "https://evil.example",
    body: new URLSearchParams({ answer: "allow" }),
  });
  expect(forged.status).toBe(500);
  // Another person's browser does not have the cookie of the request.
  expect((await (await plane.signedInBrowser()).open(page.url)).text).toContain("sign-in-expired");
});

test("a browser in which somebody else signs in gives the app that person, without anything of the one before", async () => {
  const configuration = await discover();
  await signIn(configuration);
  plane.members.all.set("org-1.account-2", { name: "Bob", email: "bob@example.com" });
  await plane.signInBrowser(browser, "account-2");
  expect((await signIn(configuration)).claims()?.sub).toBe("org-1.account-2");
});

test("who is not signed in, or has been for long, signs in first", async () => {
  const url = await authorizationUrl(await discover());
  const stranger = await new WebBrowser().open(url);
  expect(stranger.url.pathname + stranger.url.search).toMatch(/^\/auth\/sign-in\?return_to=%2Foauth%2Finteraction%2F/);
  plane.laterMs = 20 * 60_000;
  expect((await browser.open(url)).url.pathname).toBe("/auth/sign-in");
});

test("a code works once, for its verifier only, and its second use ends the sign-in", async () => {
  const configuration = await discover();
  const callback = await callbackOf(await authorizationUrl(configuration));
  const foreign = { ...checks, pkceCodeVerifier: client.randomPKCECodeVerifier() };
  await expect(client.authorizationCodeGrant(configuration, callback, foreign)).rejects.toMatchObject(invalidGrant);
  const second = await callbackOf(await authorizationUrl(configuration));
  const tokens = await client.authorizationCodeGrant(configuration, second, checks);
  await expect(client.authorizationCodeGrant(configuration, second, checks)).rejects.toMatchObject(invalidGrant);
  expect(await isTaken(tokens.access_token)).toBe(false);
  expect(plane.events.all).toContain("reuse of AuthorizationCode of org-1.account-1");
});

test("a refresh token works once; its second use ends the whole sign-in, the thief's and the owner's", async () => {
  const configuration = await discover();
  const first = await signIn(configuration);
  const second = await client.refreshTokenGrant(configuration, first.refresh_token ?? "");
  expect(second.refresh_token).not.toBe(first.refresh_token);
  expect(await isTaken(second.access_token)).toBe(true);
  await expect(client.refreshTokenGrant(configuration, first.refresh_token ?? "")).rejects.toMatchObject(invalidGrant);
  await expect(client.refreshTokenGrant(configuration, second.refresh_token ?? "")).rejects.toMatchObject(invalidGrant);
  expect(await isTaken(second.access_token)).toBe(false);
  expect(plane.events.all).toContain("reuse of RefreshToken of org-1.account-1");
});

test("two uses of a refresh token at the same moment do not both succeed for good", async () => {
  const configuration = await discover();
  const first = await signIn(configuration);
  const both = await Promise.allSettled([1, 2].map(() => client.refreshTokenGrant(configuration, first.refresh_token ?? "")));
  expect(both.filter(({ status }) => status === "rejected").length).toBeGreaterThanOrEqual(1);
  for (const one of both) {
    if (one.status === "rejected") continue;
    expect(await isTaken(one.value.access_token)).toBe(false);
    await expect(client.refreshTokenGrant(configuration, one.value.refresh_token ?? "")).rejects.toMatchObject(invalidGrant);
  }
});

const attempt = (secret: string) => ({ refresh_attempt: secret.padEnd(43, "-") });

test("a refresh whose answer was lost is repeated with the secret of its attempt, and what it brought first is void", async () => {
  const configuration = await discover();
  const first = await signIn(configuration);
  const lost = await client.refreshTokenGrant(configuration, first.refresh_token ?? "", attempt("mine"));
  const again = await client.refreshTokenGrant(configuration, first.refresh_token ?? "", attempt("mine"));
  expect(await isTaken(again.access_token)).toBe(true);
  await expect(client.refreshTokenGrant(configuration, lost.refresh_token ?? "")).rejects.toMatchObject(invalidGrant);
  const next = await client.refreshTokenGrant(configuration, again.refresh_token ?? "", attempt("next"));
  expect(await isTaken(next.access_token)).toBe(true);
});

test("a repeated refresh with another secret, too late, or after its fruit was used is a theft", async () => {
  const configuration = await discover();
  for (const arrange of [
    async (refreshToken: string) => void (await client.refreshTokenGrant(configuration, refreshToken, attempt("another's"))),
    async (refreshToken: string) => {
      await client.refreshTokenGrant(configuration, refreshToken, attempt("mine"));
      plane.laterMs += 2 * 60_000;
    },
    async (refreshToken: string) => {
      const brought = await client.refreshTokenGrant(configuration, refreshToken, attempt("mine"));
      await client.refreshTokenGrant(configuration, brought.refresh_token ?? "");
    },
  ]) {
    browser = await plane.signedInBrowser();
    plane.events.all.length = 0;
    const { refresh_token: refreshToken = "" } = await signIn(configuration);
    await arrange(refreshToken);
    await expect(client.refreshTokenGrant(configuration, refreshToken, attempt("mine"))).rejects.toMatchObject(invalidGrant);
    expect(plane.events.all).toContain("reuse of RefreshToken of org-1.account-1");
  }
});

test("revoking a refresh token ends its access tokens at once, and tells nothing of other tokens", async () => {
  const configuration = await discover();
  const tokens = await signIn(configuration);
  await client.tokenRevocation(configuration, "no-token-of-ours");
  expect(await isTaken(tokens.access_token)).toBe(true);
  await client.tokenRevocation(configuration, tokens.refresh_token ?? "");
  expect(await isTaken(tokens.access_token)).toBe(false);
  await expect(client.refreshTokenGrant(configuration, tokens.refresh_token ?? "")).rejects.toMatchObject(invalidGrant);
});

test("somebody who was removed is out at the next refresh, and at once when the plane ends their sign-ins", async () => {
  const configuration = await discover();
  const removed = await signIn(configuration);
  const member = plane.members.all.get("org-1.account-1");
  plane.members.all.clear();
  await expect(client.refreshTokenGrant(configuration, removed.refresh_token ?? "")).rejects.toMatchObject(invalidGrant);
  plane.members.all.set("org-1.account-1", member!);
  const ended = await signIn(configuration);
  await plane.authorization.revokeAllOf({ organizationId: "org-1", accountId: "account-1" });
  expect(await isTaken(ended.access_token)).toBe(false);
});

test("however often it is refreshed, a sign-in ends eight hours after its provider vouched", async () => {
  const configuration = await discover();
  let { refresh_token: refreshToken = "" } = await signIn(configuration);
  const lastEnd = async () => Math.max(...(await recordsOf("RefreshToken")).map(({ expiresAt }) => timestampMs(expiresAt!)));
  const firstEnd = await lastEnd();
  expect(firstEnd - Date.now()).toBeLessThanOrEqual(8 * 60 * 60_000);
  plane.laterMs = 60_000;
  ({ refresh_token: refreshToken = "" } = await client.refreshTokenGrant(configuration, refreshToken));
  expect(await recordsOf("RefreshToken")).toHaveLength(2);
  expect(await lastEnd()).toBeLessThanOrEqual(firstEnd + 61_000);
  plane.laterMs = 8 * 60 * 60_000 + 1000;
  await expect(client.refreshTokenGrant(configuration, refreshToken)).rejects.toMatchObject(invalidGrant);
});

test("nothing in the store can be used as a token, and other processes of the plane take the same tokens", async () => {
  const configuration = await discover();
  const tokens = await signIn(configuration);
  const records = await plane.store.all(authorizationKind);
  const keys = records.flatMap(({ keyHash, grantHash, indexHash }) => [keyHash, grantHash, indexHash]);
  for (const token of [tokens.access_token, tokens.refresh_token ?? ""]) {
    expect(keys).not.toContain(token);
    for (const { keyHash } of records)
      expect(Buffer.from((await plane.store.sealed(authorizationKind, keyHash)) ?? "").includes(token), keyHash).toBe(false);
  }
  for (const key of keys) expect(await isTaken(key)).toBe(false);
  const other = plane.newServer();
  expect(await other.holderOf(tokens.access_token)).toMatchObject({ accountId: "account-1" });
  plane.laterMs = 10 * 60_000 + 1000;
  expect(await isTaken(tokens.access_token)).toBe(false);
});

test("a token that was given while its sign-in ended is worth nothing", async () => {
  const { access_token: accessToken } = await signIn(await discover());
  const view = plane.store.store.system("authentication");
  await view.transaction(async (tx) => {
    for (const stored of await tx.all(authorizationKind)) if (stored.message.model !== "AccessToken") tx.delete(authorizationKind, stored);
  });
  expect(await isTaken(accessToken)).toBe(false);
});

test("the device grant is not there unless it is turned on", async () => {
  const configuration = await discover();
  expect(configuration.serverMetadata().device_authorization_endpoint).toBeUndefined();
  expect((await fetch(`${plane.origin}/oauth/device`)).status).toBe(404);
  const body = new URLSearchParams({ client_id: "berth", scope: "openid" });
  expect((await fetch(`${plane.origin}/oauth/device/auth`, { method: "POST", body })).status).toBe(404);
});

test("behind a proxy that ends TLS, cookies are sent encrypted only, and addresses are the public ones whatever a request says", async () => {
  const server = plane.newServer(false, "https://plane.example");
  const behind = await serveOnLoopback((request, response) => void server.handle(request, response));
  const headers = { host: "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-proto": "http" };
  const discovery = (await (await fetch(`${behind.origin}/oauth/.well-known/openid-configuration`, { headers })).json()) as Record<
    string,
    string
  >;
  expect(discovery).toMatchObject({ issuer: "https://plane.example/oauth", token_endpoint: "https://plane.example/oauth/token" });
  const asked = await authorizationUrl(await discover());
  const answer = await fetch(`${behind.origin}/oauth/auth${asked.search}`, { headers, redirect: "manual" });
  expect(new URL(answer.headers.get("location") ?? "", "https://plane.example").origin).toBe("https://plane.example");
  const cookies = answer.headers.getSetCookie();
  expect(cookies.length).toBeGreaterThan(0);
  for (const cookie of cookies) expect(cookie).toMatch(/^__Secure-berth-oauth[\w-]*=.*; samesite=lax; secure; httponly/);
  await behind.end();
});

test("keys that changed are used at once, and tokens of before stay what they were", async () => {
  const configuration = await discover();
  const before = await signIn(configuration);
  await plane.store.clear(signingKeyKind);
  plane.authorization = plane.newServer();
  const after = await client.refreshTokenGrant(await discover(), before.refresh_token ?? "");
  expect(after.claims()?.sub).toBe("org-1.account-1");
  expect(await isTaken(before.access_token)).toBe(true);
});

test("over HTTP/2 it answers the same", async () => {
  const server = createServer((request, response) => void plane.authorization.handle(request, response));
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const session = connect(`http://127.0.0.1:${address.port}`);
  const ask = async (path: string, body?: string): Promise<{ status: unknown; location: unknown; cookies: unknown; text: string }> => {
    const type = { "content-type": "application/x-www-form-urlencoded", "content-length": body?.length ?? 0 };
    const stream = session.request({ ":path": path, ":method": body === undefined ? "GET" : "POST", ...(body === undefined ? {} : type) });
    stream.end(body);
    const headers = Promise.withResolvers<IncomingHttpHeaders>();
    stream.once("response", headers.resolve);
    let text = "";
    for await (const part of stream) text += String(part);
    const { ":status": status, location, "set-cookie": cookies } = await headers.promise;
    return { status, location, cookies, text };
  };
  expect(JSON.parse((await ask("/oauth/.well-known/openid-configuration")).text)).toMatchObject({ issuer: `${plane.origin}/oauth` });
  const asked = await ask(`/oauth/auth${(await authorizationUrl(await discover())).search}`);
  expect(asked).toMatchObject({ status: 303, location: expect.stringContaining("/oauth/interaction/") });
  expect(asked.cookies).toHaveLength(2);
  const [cookie = ""] = String(asked.cookies).split(";");
  expect(cookie).toContain("berth-oauth");
  const refused = await ask("/oauth/token", "grant_type=refresh_token&refresh_token=none&client_id=berth");
  expect([refused.status, JSON.parse(refused.text)]).toMatchObject([400, invalidGrant]);
  expect((await ask("/oauth/interaction/unknown")).text).toContain("sign-in-expired");
  session.close();
  server.close();
});
