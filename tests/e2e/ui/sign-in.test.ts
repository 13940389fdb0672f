import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, type BrowserContext, expect, type Page } from "@playwright/test";
import { afterAll, afterEach, beforeAll, beforeEach, test } from "vitest";
import { beginAppSignIn, beginDeviceSignIn } from "../../support/sign-in/app-sign-in.ts";
import { WholePlane } from "../../support/sign-in/whole-plane.ts";
import { launchBrowser } from "./browser-window.ts";

const signal = new AbortController().signal;
const plane = new WholePlane();
let browser: Browser;
let context: BrowserContext;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  browser = await launchBrowser();
  await plane.start({ deviceFlow: true });
});

beforeEach(async () => {
  context = await browser.newContext();
  page = await context.newPage();
  complaints = [];
  page.on("console", (message) => complaints.push(`${page.url()}: ${message.text()}`));
});

afterEach(async () => {
  await context.close();
  // What our own pages would be stopped in by their policy.
  expect(complaints.filter((one) => one.startsWith(plane.origin) && one.includes("Content Security Policy"))).toEqual([]);
});

afterAll(async () => {
  await browser.close();
  await plane.end();
});

/** Nothing on the page keeps anybody out. */
async function expectAccessible(): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ""}`)).toEqual([]);
}

/** From the plane's form through the provider's pages. */
async function signInAtProvider(): Promise<void> {
  await expectAccessible();
  await page.getByLabel("e-mail address").fill("ada@example.com");
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page).toHaveURL(/^http:\/\/localhost:/);
  await page.getByPlaceholder("Enter any login").fill("ada");
  await page.getByPlaceholder("and password").fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
}

test("a real browser takes an app's sign-in through the provider on another site, and back to the app", async () => {
  const { url, done } = await beginAppSignIn(plane.origin, signal);
  await page.goto(url.href);
  await signInAtProvider();
  await expect(page.getByRole("heading")).toHaveText("Sign in the app?");
  await expectAccessible();
  await page.getByRole("button", { name: "Allow", exact: true }).click();
  await expect(page.getByRole("heading")).toHaveText("You are signed in to Berth");
  await expectAccessible();
  const who = await fetch(`${plane.origin}/api`, { headers: { authorization: `Bearer ${(await done).accessToken}` } });
  expect(await who.json()).toMatchObject({ accountId: "account-1", through: "app" });
});

test("a page's own script reaches the API with the session's key, another site's does not, and signing out ends it", async () => {
  await page.goto(`${plane.origin}/auth/sign-in?return_to=/home`);
  await signInAtProvider();
  await expect(page.getByRole("heading")).toHaveText("Home");
  const status = await page.evaluate(async () => {
    const { key } = await (await fetch("/auth/session")).json();
    return [(await fetch("/api", { headers: { "berth-session-key": key } })).status, (await fetch("/api")).status];
  });
  expect(status).toEqual([200, 401]);

  const attacker = await context.newPage();
  await attacker.goto(`${plane.provider.issuer}/.well-known/openid-configuration`);
  const read = await attacker.evaluate(async (origin) => {
    const attempts = [
      () => fetch(`${origin}/auth/session`, { credentials: "include" }),
      () => fetch(`${origin}/api`, { headers: { "berth-session-key": "x" } }),
    ];
    return Promise.all(
      attempts.map(async (attempt) =>
        attempt()
          .then(async (answer) => answer.text())
          .catch(() => "kept from it"),
      ),
    );
  }, plane.origin);
  expect(read).toEqual(["kept from it", "kept from it"]);
  await attacker.setContent(`<form method="post" action="${plane.origin}/auth/sign-out"><button>Win a prize</button></form>`);
  await attacker.getByRole("button").click();
  await expect(attacker.getByRole("heading")).toHaveText("The sign-in was refused");

  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("heading")).toHaveText("You are signed out");
  await expectAccessible();
  const session = await page.goto(`${plane.origin}/auth/session`);
  expect(session?.status()).toBe(401);
});

test("a device is signed in by its code, which a person enters and confirms", async () => {
  const { userCode, verificationUrl, done } = await beginDeviceSignIn(plane.origin, signal);
  await page.goto(verificationUrl);
  await expectAccessible();
  await page.getByRole("textbox").fill(userCode.toLowerCase());
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByRole("heading")).toHaveText("Did you start this?");
  await expectAccessible();
  await page.getByRole("button", { name: "I started it, continue" }).click();
  await signInAtProvider();
  await page.getByRole("button", { name: "Allow", exact: true }).click();
  await expect(page.getByRole("heading")).toHaveText("The device is signed in");
  expect(await done).not.toBe("");
});
