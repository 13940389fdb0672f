import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { expect, test } from "vitest";
import { PlaneSession } from "../../../src/bridge/plane-session.ts";
import { signInWithBrowser } from "../../../src/bridge/sign-in.ts";
import { FileTokenStore } from "../../../src/bridge/token-store.ts";
import { silentLog } from "../../../src/lib/log.ts";
import { WebBrowser } from "../../support/sign-in/web-browser.ts";
import { WholePlane } from "../../support/sign-in/whole-plane.ts";

test("a person signs the desktop in with the organization's provider, works, and is out when removed", { timeout: 60_000 }, async () => {
  const plane = new WholePlane();
  await plane.start();
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
  rmSync(folder, { recursive: true });
});
