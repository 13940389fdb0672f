import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { expect, test } from "vitest";
import { PlaneSession } from "../../../src/bridge/plane-session.ts";
import { signInWithBrowser } from "../../../src/bridge/sign-in.ts";
import { FileTokenStore } from "../../../src/bridge/token-store.ts";
import { silentLog } from "../../../src/lib/log.ts";
import { SignIn } from "../../../src/plane/sign-in.ts";
import { type TestServer, serveOnLoopback } from "../../support/sign-in/http-server.ts";
import { MemoryMembers, RecordedEvents } from "../../support/sign-in/memory-members.ts";
import { MemoryAccounts, MemoryProviders } from "../../support/sign-in/memory-stores.ts";
import { StandardProvider } from "../../support/sign-in/standard-provider.ts";
import { ThrowawayStore } from "../../support/sign-in/throwaway-store.ts";
import { WebBrowser } from "../../support/sign-in/web-browser.ts";

/** A whole plane's sign-in with an API behind it that says who asks. */
async function startPlane(members: MemoryMembers, accounts: MemoryAccounts, providers: MemoryProviders) {
  const kept = await ThrowawayStore.open();
  const parts: { signIn?: SignIn } = {};
  const server: TestServer = await serveOnLoopback((request, response) => {
    const answer = async () => {
      if (parts.signIn === undefined || (await parts.signIn.handle(request, response))) return;
      const { authorization, cookie } = request.headers;
      const key = request.headers["berth-session-key"];
      const who = await parts.signIn.authenticate({ authorization, cookie, sessionKey: typeof key === "string" ? key : undefined });
      response.writeHead(who === undefined ? 401 : 200).end(JSON.stringify(who ?? {}));
    };
    answer().catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  const signIn = new SignIn({
    store: kept.store,
    sealing: kept.sealer,
    publicUrl: new URL(server.origin),
    providers,
    accounts,
    members,
    events: new RecordedEvents(),
    outbound: { allowHttp: true, allowedNetworks: ["127.0.0.0/8"] },
    sessionLimits: {},
    deviceFlow: false,
    clientAddress: (request) => request.socket.remoteAddress ?? "",
    log: silentLog,
    now: () => Date.now(),
  });
  parts.signIn = signIn;
  const end = async (): Promise<void> => {
    await server.end();
    await kept.end();
  };
  return { signIn, origin: server.origin, end };
}

test("a person signs the desktop in with the organization's provider, works, and is out when removed", { timeout: 60_000 }, async () => {
  const [members, accounts, providers] = [new MemoryMembers(), new MemoryAccounts(), new MemoryProviders()];
  const plane = await startPlane(members, accounts, providers);
  const idp = new StandardProvider();
  await idp.start({ ada: { name: "Ada", email: "ada@example.com", email_verified: true } }, () => [`${plane.origin}/auth/callback/org-1`]);
  providers.all.push({
    id: "provider-1",
    organizationId: "org-1",
    displayName: "The provider",
    issuer: idp.issuer,
    clientId: "berth",
    clientSecret: "secret-of-berth-at-the-provider",
    additionalScopes: [],
    enabled: true,
    verifiedDomains: ["example.com"],
    emailsAreVerified: false,
    linkByVerifiedEmail: false,
  });
  members.all.set("org-1.account-1", { name: "Ada", email: "ada@example.com" });
  const browser = new WebBrowser();
  const openBrowser = async (url: URL) => {
    // The app's address leads to the plane's form, that to the provider, and that back to the page that asks.
    const login = await browser.submit(await browser.open(url), { email: "ada@example.com" });
    const ask = await browser.submit(await browser.submit(login, { login: "ada" }));
    void browser.submit(ask, { answer: "allow" });
  };
  const planeUrl = new URL(plane.origin);
  const folder = mkdtempSync(join(tmpdir(), "berth-journey-"));
  const store = new FileTokenStore(join(folder, "sign-in.json"));
  const session = new PlaneSession({ store, lockPath: join(folder, "sign-in.lock"), log: silentLog, now: () => Date.now() });
  const never = new AbortController().signal;
  await session.begin(await signInWithBrowser({ planeUrl, openBrowser, signal: never }));

  const asApp = async () => fetch(`${plane.origin}/api`, { headers: { authorization: `Bearer ${await session.accessToken(never)}` } });
  expect(await (await asApp()).json()).toEqual({ organizationId: "org-1", accountId: "account-1", through: "app" });
  const { key } = JSON.parse((await browser.open(`${plane.origin}/auth/session`)).text) as { key: string };
  const cookie = browser.cookieHeader(planeUrl);
  const asPage = (headers: Record<string, string>) => fetch(`${plane.origin}/api`, { headers });
  expect(await (await asPage({ cookie, "berth-session-key": key })).json()).toMatchObject({ accountId: "account-1", through: "browser" });
  expect((await asPage({ cookie })).status).toBe(401);
  expect((await asPage({ authorization: "Bearer unknown", cookie, "berth-session-key": key })).status).toBe(401);

  const idToken = await plane.signIn.idTokens.issue({
    principal: { organizationId: "org-1", environmentId: "e" },
    audience: ["cloud"],
    version: "v2",
  });
  await jwtVerify(idToken, createRemoteJWKSet(new URL("/.well-known/jwks", planeUrl)), { issuer: plane.origin, audience: "cloud" });
  // Neither kind of token is the other's: an environment's token opens no API.
  expect((await asPage({ authorization: `Bearer ${idToken}` })).status).toBe(401);

  await plane.signIn.endAllOf({ organizationId: "org-1", accountId: "account-1" });
  expect((await asApp()).status).toBe(401);
  expect((await asPage({ cookie, "berth-session-key": key })).status).toBe(401);
  expect(await plane.signIn.removeExpired()).toBe(false);
  await plane.end();
  await idp.end();
  rmSync(folder, { recursive: true });
});
