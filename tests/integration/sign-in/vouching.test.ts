import { afterEach, beforeEach, expect, test } from "vitest";
import * as client from "openid-client";
import { WebBrowser } from "../../support/sign-in/web-browser.ts";
import { beginAppSignIn } from "../../support/sign-in/app-sign-in.ts";
import { WholePlane } from "../../support/sign-in/whole-plane.ts";

const hourMs = 60 * 60_000;
/** Less than Berth's apps wait for a plane, which is for slow networks too. */
const appTimeoutS = 9;
const signal = new AbortController().signal;
let plane: WholePlane;

beforeEach(async () => {
  plane = new WholePlane();
  await plane.start({ additionalScopes: ["offline_access"] });
});

afterEach(() => plane.end());

/** Signs an app in, and gives what it refreshes with. */
async function signIn() {
  const { url, done } = await beginAppSignIn(plane.origin, signal);
  const browser = new WebBrowser();
  const login = await browser.submit(await browser.open(url), { email: "ada@example.com" });
  const ask = await browser.submit(await browser.submit(login, { login: "ada" }));
  await browser.submit(ask, { answer: "allow" });
  const configuration = await client.discovery(new URL("/oauth", plane.origin), "berth", undefined, client.None(), {
    execute: [client.allowInsecureRequests],
    timeout: appTimeoutS,
  });
  const { refreshToken } = await done;
  return { refresh: (token: string) => client.refreshTokenGrant(configuration, token), refreshToken, browser };
}

test("an app stays signed in for as long as the provider vouches, thirty days at most", async () => {
  const { refresh, refreshToken } = await signIn();
  let current = refreshToken;
  for (let day = 1; day < 30; day++) {
    plane.laterMs = day * 24 * hourMs;
    const tokens = await refresh(current);
    current = tokens.refresh_token ?? "";
  }
  plane.laterMs = 30 * 24 * hourMs;
  await expect(refresh(current)).rejects.toMatchObject({ error: "invalid_grant" });
});

test("whoever is turned off at the provider is out within an hour, with everything", async () => {
  const { refresh, refreshToken, browser } = await signIn();
  expect((await browser.open(`${plane.origin}/auth/session`)).status).toBe(200);
  plane.provider.disable("ada");
  const { access_token: accessToken, refresh_token: second = "" } = await refresh(refreshToken);
  plane.laterMs = hourMs;
  await expect(refresh(second)).rejects.toMatchObject({ error: "invalid_grant" });
  const asked = await fetch(`${plane.origin}/api`, { headers: { authorization: `Bearer ${accessToken}` } });
  expect(asked.status).toBe(401);
  expect((await browser.open(`${plane.origin}/auth/session`)).status).toBe(401);
});

test("whoever is turned off stays out, also when their sign-ins could not be ended at once", async () => {
  const { refresh, refreshToken } = await signIn();
  plane.provider.disable("ada");
  plane.laterMs = hourMs;
  const mend = plane.failEndingApps();
  await expect(refresh(refreshToken)).rejects.toThrow("unexpected HTTP response status code");
  mend();
  plane.laterMs += 60_000;
  await expect(refresh(refreshToken)).rejects.toMatchObject({ error: "invalid_grant" });
});

test("a provider's answer about an earlier sign-in changes nothing of a new one", async () => {
  const first = await signIn();
  plane.laterMs = hourMs;
  const again = Promise.withResolvers<Awaited<ReturnType<typeof signIn>>>();
  plane.provider.beforeTokens = async (response) => {
    again.resolve(await signIn());
    // As providers answer for whom one refresh token is good at a time.
    response.writeHead(400, { "content-type": "application/json" }).end('{"error":"invalid_grant"}');
    return true;
  };
  await first.refresh(first.refreshToken);
  const second = await again.promise;
  expect((await second.browser.open(`${plane.origin}/auth/session`)).status).toBe(200);
  plane.laterMs = 24 * hourMs;
  // By the refresh token of the new one, which is still there.
  expect((await second.refresh(second.refreshToken)).access_token).not.toBe("");
});

test("a provider that is away signs nobody out, and its last word counts for eight hours", async () => {
  const { refresh, refreshToken } = await signIn();
  plane.provider.pause();
  plane.laterMs = 7 * hourMs;
  const { refresh_token: second = "" } = await refresh(refreshToken);
  plane.laterMs = 9 * hourMs;
  await expect(refresh(second)).rejects.toMatchObject({ error: "temporarily_unavailable" });
  plane.provider.resume();
  plane.laterMs += hourMs;
  expect((await refresh(second)).access_token).not.toBe("");
});

test("a silent provider does not keep an app waiting until it takes the plane for silent", async () => {
  const { refresh, refreshToken } = await signIn();
  plane.laterMs = hourMs;
  plane.provider.beforeTokens = () => Promise.resolve(true);
  expect((await refresh(refreshToken)).access_token).not.toBe("");
});

test("apps that refresh at once ask the provider once, whose refresh tokens work once too", async () => {
  const [first, second] = [await signIn(), await signIn()];
  plane.laterMs = 2 * hourMs;
  const before = plane.provider.refreshes;
  const both = await Promise.all([first.refresh(first.refreshToken), second.refresh(second.refreshToken)]);
  expect(plane.provider.refreshes - before).toBe(1);
  plane.laterMs = 4 * hourMs;
  for (const [index, tokens] of both.entries()) await (index === 0 ? first : second).refresh(tokens.refresh_token ?? "");
  expect(plane.provider.refreshes - before).toBe(2);
});

test("a provider is asked once an hour, and without a way to ask it a sign-in is as long as its word", async () => {
  const { refresh, refreshToken } = await signIn();
  const before = plane.provider.refreshes;
  plane.laterMs = hourMs / 2;
  const { refresh_token: second = "" } = await refresh(refreshToken);
  expect(plane.provider.refreshes - before).toBe(0);
  plane.laterMs = 24 * hourMs;
  const { refresh_token: third = "" } = await refresh(second);
  expect(plane.provider.refreshes - before).toBe(1);
  await plane.forgetVouchers();
  await expect(refresh(third)).rejects.toMatchObject({ error: "invalid_grant" });
});
