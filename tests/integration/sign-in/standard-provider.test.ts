import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { sessionKeyHeader } from "../../../src/plane/sign-in/sign-in-handler.ts";
import { statusOfPath } from "../../support/sign-in/raw-request.ts";
import { StandardProvider } from "../../support/sign-in/standard-provider.ts";
import { SigningInPlane } from "../../support/sign-in/signing-in-plane.ts";
import { type Page, WebBrowser } from "../../support/sign-in/web-browser.ts";

const plane = new SigningInPlane();
const provider = new StandardProvider();
let browser: WebBrowser;

const people = {
  ada: { name: "Ada", email: "Ada@Example.com", email_verified: true },
  bob: { name: "Bob", email: "bob@example.com", email_verified: false },
  eve: { name: "Eve", email: "eve@elsewhere.example", email_verified: true },
};

beforeAll(async () => {
  await plane.start();
  await provider.start(people, () => [plane.redirectUri(), plane.redirectUri("org-2")]);
});

beforeEach(async () => {
  await plane.reset();
  browser = new WebBrowser();
});

afterAll(async () => {
  await plane.end();
  await provider.end();
});

/** From the plane's form to wherever it ends. */
async function signInAs(login: string, { email = "someone@example.com", returnTo = "/home?tab=1" } = {}): Promise<Page> {
  const form = await browser.open(`${plane.origin}/auth/sign-in?return_to=${encodeURIComponent(returnTo)}`);
  const loginPage = await browser.submit(form, { email });
  const consentPage = await browser.submit(loginPage, { login, password: "any" });
  return consentPage.url.origin === plane.origin ? consentPage : browser.submit(consentPage);
}

test("somebody new signs in by the domain of the address, and is the same person the next time", async () => {
  plane.addProvider({ issuer: provider.issuer });
  const home = await signInAs("ada");
  expect([home.url.href, home.text]).toEqual([`${plane.origin}/home?tab=1`, "signed in: account-1"]);
  expect(plane.accounts.all).toMatchObject([{ email: "ada@example.com", name: "Ada", organizationIds: ["org-1"] }]);

  const first = browser;
  browser = new WebBrowser();
  expect((await signInAs("ada")).text).toBe("signed in: account-1");
  expect((await first.open(plane.origin)).text).toBe("signed in: account-1");
  expect(await plane.sessions()).toBe(2);
});

test("only the domain that was verified is asked, and its own provider", async () => {
  plane.addProvider({ issuer: provider.issuer, verifiedDomains: ["other.example"] });
  const answer = await browser.open(`${plane.origin}/auth/sign-in?email=ada@example.com`);
  expect([answer.status, answer.text]).toEqual([404, expect.stringContaining("sign-in-provider-unknown")]);
  plane.addProvider({ issuer: provider.issuer, enabled: false });
  expect((await browser.open(`${plane.origin}/auth/sign-in?email=ada@example.com`)).status).toBe(404);
  expect((await browser.open(`${plane.origin}/auth/sign-in?provider=provider-2`)).status).toBe(404);
  expect((await browser.open(`${plane.origin}/auth/sign-in?email=ada@sub.example.com`)).status).toBe(404);
  expect(browser.visited.every((url) => url.startsWith(plane.origin))).toBe(true);
});

test.each(["./sign-in", "x/../sign-in", "%2e/sign-in", "sign-in/", "Sign-In", "s%69gn-in"])(
  "nothing is begun at '/auth/%s', which no limit knows",
  async (spelling) => {
    plane.addProvider({ issuer: provider.issuer });
    expect(await statusOfPath(plane.origin, "/auth/sign-in?email=ada@example.com")).toBe(302);
    expect(await statusOfPath(plane.origin, `/auth/${spelling}?email=ada@example.com`)).toBe(404);
  },
);

test("of several providers the person chooses", async () => {
  plane.addProvider({ issuer: "http://127.0.0.1:9/", displayName: "<Old> provider" });
  plane.addProvider({ issuer: provider.issuer, displayName: "New provider" });
  const choice = await browser.open(`${plane.origin}/auth/sign-in?email=ada@example.com&return_to=/x`);
  expect(choice.text).toContain("&#60;Old&#62; provider");
  const [, link = ""] = /href="([^"]*provider-2[^"]*)"/.exec(choice.text) ?? [];
  const login = await browser.open(new URL(link.replaceAll("&#38;", "&"), plane.origin));
  const consent = await browser.submit(login, { login: "ada" });
  expect((await browser.submit(consent)).url.pathname).toBe("/x");
});

test("signing out ends the session, and only a page of the plane can do it", async () => {
  plane.addProvider({ issuer: provider.issuer });
  await signInAs("ada");
  const stolen = browser.cookie(plane.origin, "berth-session") ?? "";
  const forged = await browser.open(`${plane.origin}/auth/sign-out`, { method: "POST", origin: "https://evil.example" });
  expect(forged.status).toBe(403);
  expect((await browser.open(plane.origin)).text).toBe("signed in: account-1");
  const page = await browser.open(`${plane.origin}/auth/sign-out`, { method: "POST" });
  expect(page.text).toContain(`href="${provider.issuer}/session/end?`);
  const who = "org-1.account-1";
  expect(plane.events.all).toEqual([`signed in ${who} through browser from 127.0.0.1`, `signed out ${who} from 127.0.0.1`]);
  expect((await browser.open(plane.origin)).text).toBe("signed in: nobody");
  browser.setCookie(plane.origin, "berth-session", stolen);
  expect((await browser.open(plane.origin)).text).toBe("signed in: nobody");
});

test("a session ends after two hours of rest, and after eight whatever happens", async () => {
  plane.addProvider({ issuer: provider.issuer });
  await signInAs("ada");
  const hourMs = 60 * 60_000;
  for (let hour = 1; hour < 8; hour++) {
    plane.laterMs += hourMs;
    expect((await browser.open(plane.origin)).text).toBe("signed in: account-1");
  }
  plane.laterMs += hourMs;
  expect((await browser.open(plane.origin)).text).toBe("signed in: nobody");
  browser = new WebBrowser();
  await signInAs("ada");
  plane.laterMs += 2 * hourMs;
  expect((await browser.open(plane.origin)).text).toBe("signed in: nobody");
  expect(await plane.sessions()).toBe(0);
});

test("the API takes a session only with its key, which other sites' pages cannot send", async () => {
  plane.addProvider({ issuer: provider.issuer });
  await signInAs("ada");
  const told = await browser.open(`${plane.origin}/auth/session`);
  const { key } = JSON.parse(told.text) as { key: string };
  const cookie = browser.cookieHeader(new URL(plane.origin));
  expect(sessionKeyHeader).toBe("berth-session-key");
  expect(await plane.handler.apiSessionOf({ cookie, key })).toMatchObject({ accountId: "account-1", organizationId: "org-1" });
  for (const wrong of [undefined, "", "wrong", `${key}x`]) expect(await plane.handler.apiSessionOf({ cookie, key: wrong })).toBeUndefined();
  expect(await plane.handler.apiSessionOf({ cookie: undefined, key })).toBeUndefined();
  expect((await new WebBrowser().open(`${plane.origin}/auth/session`)).status).toBe(401);
});

test("an address that the provider does not vouch for gives nobody an account, nor tells whether there is one", async () => {
  plane.addProvider({ issuer: provider.issuer, linkByVerifiedEmail: true });
  const withoutAccount = await signInAs("bob");
  expect([withoutAccount.status, withoutAccount.text]).toEqual([403, expect.stringContaining("sign-in-email-unverified")]);
  plane.accounts.add("bob@example.com");
  browser = new WebBrowser();
  const withAccount = await signInAs("bob");
  expect(withAccount.text).toBe(withoutAccount.text);
  expect(plane.accounts.all).toMatchObject([{ identities: [] }]);
  expect(await plane.sessions()).toBe(0);
});

test("a provider signs in people of its own domains only", async () => {
  plane.addProvider({ issuer: provider.issuer });
  plane.accounts.add("eve@elsewhere.example");
  expect((await signInAs("eve")).text).toContain("sign-in-email-domain");
  expect(await plane.sessions()).toBe(0);
});

test("an existing account is joined by its address only where an administrator allowed it", async () => {
  plane.addProvider({ issuer: provider.issuer });
  plane.accounts.add("ada@example.com", { identities: [JSON.stringify(["https://first.example", "ada"])] });
  expect((await signInAs("ada")).text).toContain("sign-in-account-exists");
  plane.providers.all[0] = { ...plane.providers.all[0]!, linkByVerifiedEmail: true };
  browser = new WebBrowser();
  expect((await signInAs("ada")).text).toBe("signed in: account-1");
  expect(plane.accounts.all).toHaveLength(1);
});

test("a known person joins another organization only with an address of its verified domain", async () => {
  plane.addProvider({ issuer: provider.issuer });
  await signInAs("ada");
  plane.providers.all[0] = { ...plane.providers.all[0]!, organizationId: "org-2", verifiedDomains: ["other.example"] };
  const refused = await browser.open(`${plane.origin}/auth/sign-in?provider=provider-1`);
  expect(refused.text).toContain("sign-in-email-domain");
  expect(plane.accounts.all[0]?.organizationIds).toEqual(["org-1"]);
  plane.providers.all[0] = { ...plane.providers.all[0], verifiedDomains: ["example.com"] };
  await browser.open(`${plane.origin}/auth/sign-in?provider=provider-1`);
  expect(plane.accounts.all[0]?.organizationIds).toEqual(["org-1", "org-2"]);
});

test.each([
  "//evil.example/x",
  "https://evil.example/",
  "/\\evil.example",
  "/..//evil.example",
  "javascript:alert(1)",
  "/\t/evil.example",
  "",
])("nobody is led away to '%s'", async (returnTo) => {
  plane.addProvider({ issuer: provider.issuer });
  expect((await signInAs("ada", { returnTo })).url.href).toBe(`${plane.origin}/`);
});

test("no page of the sign-in can be framed, cached, scripted or told of by a referrer", async () => {
  const form = await browser.open(`${plane.origin}/auth/sign-in?return_to="><script>alert(1)</script>`);
  expect(form.text).not.toContain("<script>");
  expect(form.headers.get("content-security-policy")).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
  expect(form.headers.get("cache-control")).toBe("no-store");
  expect(form.headers.get("referrer-policy")).toBe("same-origin");
});
