import { afterEach, beforeEach, expect, test } from "vitest";
import { type DeviceCodePrompt, signInWithDeviceCode } from "../../../src/bridge/sign-in.ts";
import { AuthorizingPlane } from "../../support/sign-in/authorizing-plane.ts";
import { statusOfPath } from "../../support/sign-in/raw-request.ts";
import { type Page, type WebBrowser } from "../../support/sign-in/web-browser.ts";

let plane: AuthorizingPlane;
let browser: WebBrowser;

beforeEach(async () => {
  plane = new AuthorizingPlane();
  await plane.start({ deviceFlow: true });
  browser = await plane.signedInBrowser();
});

afterEach(() => plane.end());

/** Begins on a computer without a browser; `prompt` is what it shows. */
async function begin(signal = AbortSignal.timeout(30_000)) {
  const shown = Promise.withResolvers<DeviceCodePrompt>();
  const signedIn = signInWithDeviceCode({ planeUrl: new URL(plane.origin), show: shown.resolve, signal });
  signedIn.catch(shown.reject);
  return { prompt: await shown.promise, signedIn };
}

async function enter({ verificationUrl, userCode }: DeviceCodePrompt): Promise<Page> {
  return browser.submit(await browser.open(verificationUrl), { user_code: userCode });
}

test("a computer without a browser is signed in by a person who was shown what asks", { timeout: 30_000 }, async () => {
  const { prompt, signedIn } = await begin();
  expect(prompt.userCode).toMatch(/^[A-Z]{4}-[A-Z]{4}$/);
  expect(prompt.verificationUrl).toBe(`${plane.origin}/oauth/device`);
  expect(prompt.expiresAtMs - Date.now()).toBeLessThanOrEqual(10 * 60_000);
  const confirm = await enter(prompt);
  expect(confirm.text).toContain("Did you start this");
  expect(confirm.text).toContain("127.0.0.1");
  const ask = await browser.submit(confirm);
  expect(ask.text).toContain("The device that shows the code");
  expect((await browser.submit(ask, { answer: "allow" })).text).toContain("The device is signed in");
  const { accessToken } = await signedIn;
  expect(await plane.authorization.holderOf(accessToken)).toMatchObject({ accountId: "account-1" });
  expect(plane.events.all).toEqual(["signed in org-1.account-1 through device code from 127.0.0.1"]);
  // The code is used up.
  expect((await enter(prompt)).text).toContain("That code is not known");
});

test("somebody else in the same browser signs their own device in", { timeout: 30_000 }, async () => {
  plane.members.all.set("org-1.account-2", { name: "Bob", email: "bob@example.com" });
  for (const accountId of ["account-1", "account-2"]) {
    await plane.signInBrowser(browser, accountId);
    const { prompt, signedIn } = await begin();
    const done = await browser.submit(await browser.submit(await enter(prompt)), { answer: "allow" });
    expect(done.text).toContain("The device is signed in");
    expect(await signedIn).toMatchObject({ accountId });
  }
});

test("a person who did not start it stops it", { timeout: 30_000 }, async () => {
  const { prompt, signedIn } = await begin();
  const refused = expect(signedIn).rejects.toMatchObject({ code: "sign-in-refused" });
  await browser.submit(await enter(prompt), { abort: "yes" });
  await refused;
});

test("where the organization does not allow it nobody can say yes", async () => {
  plane.members.allowsDevices = false;
  const end = new AbortController();
  const { prompt, signedIn } = await begin(end.signal);
  const ended = expect(signedIn).rejects.toMatchObject({ code: "canceled" });
  expect((await browser.submit(await enter(prompt))).text).toContain("device-sign-in-off");
  end.abort();
  await ended;
});

test("a code that nobody gave, or that is too old, is not known", async () => {
  const end = new AbortController();
  const { prompt, signedIn } = await begin(end.signal);
  const ended = expect(signedIn).rejects.toMatchObject({ code: "canceled" });
  expect((await enter({ ...prompt, userCode: "BBBB-BBBB" })).text).toContain("That code is not known");
  plane.laterMs = 11 * 60_000;
  expect((await enter(prompt)).text).toContain("That code is not known");
  end.abort();
  await ended;
});

test("codes cannot be tried out, and what asks is shown as the plane sees it, whatever it says of itself", async () => {
  const forged = {
    "x-forwarded-for": "203.0.113.7",
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "https",
    "user-agent": "<b>forged</b>",
  };
  const body = new URLSearchParams({ client_id: "berth", scope: "openid offline_access" });
  const asked = await fetch(`${plane.origin}/oauth/device/auth`, { method: "POST", headers: forged, body });
  const { user_code: userCode = "", verification_uri: verificationUrl = "" } = (await asked.json()) as Record<string, string>;
  expect(verificationUrl).toBe(`${plane.origin}/oauth/device`);
  const confirm = await enter({ userCode, verificationUrl, expiresAtMs: 0 });
  expect(confirm.text).toContain("127.0.0.1, as &#60;b&#62;forged&#60;/b&#62;");
  expect(confirm.text).not.toContain("203.0.113.7");
  for (let tries = 1; tries < 20; tries++)
    expect((await enter({ userCode: "BBBB-BBBB", verificationUrl, expiresAtMs: 0 })).text).toContain("not known");
  const refused = await enter({ userCode, verificationUrl, expiresAtMs: 0 });
  expect([refused.status, refused.text]).toEqual([429, expect.stringContaining("rate-limited")]);
  plane.laterMs = 60_000;
  expect((await enter({ userCode, verificationUrl, expiresAtMs: 0 })).text).toContain("Did you start this");
});

test.each(["Device", "device/", "DEVICE/", "d%65vice", "/device", "./device", "x/../device", "device#x", "device%09", "device\\"])(
  "codes are not tried out at '/oauth/%s' either",
  async (spelling) => {
    expect(await statusOfPath(plane.origin, `/oauth/${spelling}`, "POST", "user_code=BBBB-BBBB")).toBe(404);
  },
);

test("a plane that does not offer it says so", async () => {
  const without = new AuthorizingPlane();
  await without.start();
  const asked = signInWithDeviceCode({ planeUrl: new URL(without.origin), show: () => undefined, signal: AbortSignal.timeout(20_000) });
  await expect(asked).rejects.toMatchObject({ code: "device-sign-in-off" });
  await without.end();
});
