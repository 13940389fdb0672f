import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Glewlwyd } from "../../support/sign-in/glewlwyd.ts";
import { SigningInPlane } from "../../support/sign-in/signing-in-plane.ts";
import { type Page, WebBrowser } from "../../support/sign-in/web-browser.ts";

/** Debian and Ubuntu have the package; macOS does not. */
describe.skipIf(process.platform !== "linux")("with Glewlwyd, an independent provider in C", () => {
  const plane = new SigningInPlane();
  const provider = new Glewlwyd();
  let browser: WebBrowser;

  beforeAll(async () => {
    await plane.start();
    await provider.start(plane.redirectUri());
    await provider.addPerson("ada", "ada@example.com");
    await provider.addPerson("eve", "eve@elsewhere.example");
  });

  beforeEach(async () => {
    await plane.reset();
    browser = new WebBrowser();
  });

  afterAll(async () => {
    await provider.end();
    await plane.end();
  });

  async function signInAs(username: string): Promise<Page> {
    const login = await browser.open(`${plane.origin}/auth/sign-in?email=someone@example.com&return_to=/home`);
    expect(login.url.pathname).toMatch(/login\.html$/);
    return provider.signIn(browser, login, username);
  }

  test("a person signs in, and is the same one the next time", async () => {
    plane.addProvider({ issuer: provider.issuer, emailsAreVerified: true });
    const home = await signInAs("ada");
    expect([home.url.pathname, home.text]).toEqual(["/home", "signed in: account-1"]);
    expect(plane.accounts.all).toMatchObject([{ email: "ada@example.com", name: "ada" }]);
    browser = new WebBrowser();
    expect((await signInAs("ada")).text).toBe("signed in: account-1");
    expect(browser.visited.find((url) => url.includes("/auth/callback/"))).toContain("iss=");
  });

  test("addresses that it does not call verified count only where an administrator vouches for them", async () => {
    plane.addProvider({ issuer: provider.issuer });
    expect((await signInAs("ada")).text).toContain("sign-in-email-unverified");
    expect(plane.accounts.all).toEqual([]);
  });

  test("somebody of another domain is refused", async () => {
    plane.addProvider({ issuer: provider.issuer, emailsAreVerified: true });
    expect((await signInAs("eve")).text).toContain("sign-in-email-domain");
  });

  test("a wrong client secret is refused, and a code works once", async () => {
    plane.addProvider({ issuer: provider.issuer, emailsAreVerified: true });
    await signInAs("ada");
    const callback = browser.visited.find((url) => url.includes("/auth/callback/")) ?? "";
    expect((await browser.open(callback)).text).toContain("sign-in-expired");
    plane.providers.all[0] = { ...plane.providers.all[0]!, clientSecret: "wrong" };
    browser = new WebBrowser();
    const refused = await signInAs("ada");
    expect([refused.status, refused.text]).toEqual([403, expect.stringMatching(/sign-in-(refused|provider-untrusted)/)]);
  });

  test("a code of one sign-in does not finish another: PKCE holds", async () => {
    plane.addProvider({ issuer: provider.issuer, emailsAreVerified: true });
    const mine = await browser.open(`${plane.origin}/auth/sign-in?provider=provider-1`);
    const first = new URL(mine.url.searchParams.get("callback_url") ?? "");
    const again = await browser.open(`${plane.origin}/auth/sign-in?provider=provider-1`);
    // The second sign-in's state and nonce with the first one's challenge.
    const second = new URL(again.url.searchParams.get("callback_url") ?? "");
    second.searchParams.set("code_challenge", first.searchParams.get("code_challenge") ?? "");
    again.url.searchParams.set("callback_url", second.href);
    const refused = await provider.signIn(browser, again, "ada");
    expect(refused.text).toMatch(/sign-in-(refused|provider-untrusted)/);
    expect(await plane.sessions()).toBe(0);
  });

  test("its new keys count at once", async () => {
    plane.addProvider({ issuer: provider.issuer, emailsAreVerified: true });
    await signInAs("ada");
    await provider.rotate();
    browser = new WebBrowser();
    expect((await signInAs("ada")).text).toBe("signed in: account-1");
  });

  test("somebody who is turned off there does not get in again", async () => {
    plane.addProvider({ issuer: provider.issuer, emailsAreVerified: true });
    await provider.addPerson("bob", "bob@example.com");
    expect((await signInAs("bob")).text).toBe("signed in: account-1");
    await provider.disablePerson("bob");
    browser = new WebBrowser();
    await expect(signInAs("bob")).rejects.toThrow("401");
  });
});
