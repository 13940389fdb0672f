import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import { signInWithBrowser } from "../../../src/bridge/sign-in.ts";
import { AuthorizingPlane } from "../../support/sign-in/authorizing-plane.ts";
import { SessionOfProcess } from "../../support/sign-in/session-of-process.ts";
import { type Page, type WebBrowser } from "../../support/sign-in/web-browser.ts";

const refresher = join(import.meta.dirname, "../../support/sign-in/refresher.ts");
const skewedSignIn = join(import.meta.dirname, "../../support/sign-in/skewed-sign-in.ts");
let plane: AuthorizingPlane;
let folder: string;

beforeEach(async () => {
  plane = new AuthorizingPlane();
  await plane.start();
  folder = mkdtempSync(join(tmpdir(), "berth-bridge-"));
});

afterEach(async () => {
  await plane.end();
  rmSync(folder, { recursive: true });
});

const never = new AbortController().signal;

/** Signs in as a person does it, and keeps that in the folder; answers with the last page that the person saw. */
async function signIn(): Promise<{ page: Page; session: SessionOfProcess; browser: WebBrowser }> {
  const browser = await plane.signedInBrowser();
  const seen = Promise.withResolvers<Page>();
  const openBrowser = async (url: URL) => seen.resolve(plane.allow(browser, url));
  const signedIn = await signInWithBrowser({ planeUrl: new URL(plane.origin), openBrowser, signal: never });
  const session = new SessionOfProcess(folder);
  await session.session.begin(signedIn);
  return { page: await seen.promise, session, browser };
}

async function isTaken(accessToken: string): Promise<boolean> {
  return (await plane.authorization.holderOf(accessToken)) !== undefined;
}

/** Runs the process and gives what it printed. */
async function run(rounds: number, how = "never"): Promise<{ lines: string[]; signal: NodeJS.Signals | null; code: number | null }> {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", refresher, folder, String(rounds), how], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (part: Buffer) => (text += part.toString()));
  const ended = Promise.withResolvers<{ signal: NodeJS.Signals | null; code: number | null }>();
  child.once("close", (code, signal) => ended.resolve({ code, signal }));
  const { code, signal } = await ended.promise;
  return { lines: text.split("\n").filter((line) => line !== ""), code, signal };
}

test("a person signs in with the browser, and sees a page that holds no secret", async () => {
  const { page, session, browser } = await signIn();
  expect(page.text).toContain("You are signed in to Berth");
  expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
  const token = await session.accessToken();
  expect(await isTaken(token)).toBe(true);
  expect(await session.session.who()).toMatchObject({ organizationId: "org-1", accountId: "account-1", name: "Ada <b>" });
  const stored = readFileSync(join(folder, "sign-in.json"), "utf8");
  expect(statSync(join(folder, "sign-in.json")).mode & 0o777).toBe(0o600);
  const { refreshToken } = JSON.parse(stored) as { refreshToken: string };
  for (const secret of [token, refreshToken]) {
    expect(page.text).not.toContain(secret);
    expect(browser.visited.join(" ")).not.toContain(secret);
  }
  // The door is closed behind the one who came.
  await expect(browser.open(page.url)).rejects.toThrow("fetch failed");
});

test("only the browser that brings the right state is let in, and those who look for open doors change nothing", async () => {
  const browser = await plane.signedInBrowser();
  const answers: (number | undefined)[] = [];
  const openBrowser = async (url: URL) => {
    const redirectUri = new URL(url.searchParams.get("redirect_uri") ?? "");
    expect(redirectUri.hostname).toBe("127.0.0.1");
    const state = url.searchParams.get("state") ?? "";
    for (const [path, host] of [
      ["/", redirectUri.host],
      ["/callback", redirectUri.host],
      ["/callback?code=forged&state=forged", redirectUri.host],
      [`/callback?code=forged&state=${state}&state=${state}`, redirectUri.host],
      [`/callback?code=forged&state=${state}`, "rebinding.example"],
    ] as const)
      answers.push(await statusOf(redirectUri, path, host));
    void plane.allow(browser, url);
  };
  const signedIn = await signInWithBrowser({ planeUrl: new URL(plane.origin), openBrowser, signal: never });
  expect(answers).toEqual([404, 404, 404, 404, 404]);
  expect(await isTaken(signedIn.accessToken)).toBe(true);
});

async function statusOf({ port }: URL, path: string, host: string): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const sent = request({ host: "127.0.0.1", port, path, headers: { host } }, (response) => {
    response.resume();
    resolve(response.statusCode);
  });
  sent.on("error", reject);
  sent.end();
  return promise;
}

test("a code or an issuer that was put in on the way is refused, and the page says nothing of why", async () => {
  for (const change of [
    (back: URL) => back.searchParams.set("code", "injected"),
    (back: URL) => back.searchParams.set("iss", "https://evil.example"),
    (back: URL) => back.searchParams.delete("iss"),
  ]) {
    const seen = Promise.withResolvers<Page>();
    const openBrowser = async (url: URL) => {
      const browser = await plane.signedInBrowser();
      const ask = await browser.open(url);
      const resume = await browser.open(ask.url, { method: "POST", body: new URLSearchParams({ answer: "allow" }), follow: false });
      const back = await browser.open(resume.headers.get("location") ?? "", { follow: false });
      const changed = new URL(back.headers.get("location") ?? "");
      change(changed);
      seen.resolve(browser.open(changed));
    };
    const refused = signInWithBrowser({ planeUrl: new URL(plane.origin), openBrowser, signal: never });
    await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(/^sign-in-(refused|provider-untrusted)$/) });
    expect((await seen.promise).text).toContain("You are not signed in");
  }
});

test.each([-12, 12])("a computer whose clock is wrong by %i minutes signs in", async (minutes) => {
  const browser = await plane.signedInBrowser();
  const args = ["--disable-warning=ExperimentalWarning", skewedSignIn, plane.origin, String(minutes * 60_000)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout)) if (lines.push(line) === 1) void plane.allow(browser, line);
  expect(lines).toHaveLength(2);
  expect(await isTaken(lines[1] ?? "")).toBe(true);
});

test("a person who says no, and one who gives up, are not signed in", async () => {
  const browser = await plane.signedInBrowser();
  const no = async (url: URL) => void browser.submit(await browser.open(url), { answer: "deny" });
  const refused = signInWithBrowser({ planeUrl: new URL(plane.origin), openBrowser: no, signal: never });
  await expect(refused).rejects.toMatchObject({ code: "sign-in-refused" });
  const end = new AbortController();
  let door = new URL("http://127.0.0.1");
  const away = (url: URL) => {
    door = new URL(url.searchParams.get("redirect_uri") ?? "");
    end.abort(new Error("gave up"));
    return Promise.resolve();
  };
  await expect(signInWithBrowser({ planeUrl: new URL(plane.origin), openBrowser: away, signal: end.signal })).rejects.toThrow("gave up");
  await expect(fetch(door)).rejects.toThrow("fetch failed");
});

test("processes that refresh at the same time do not sign the person out", { timeout: 60_000 }, async () => {
  const { session } = await signIn();
  session.outlive();
  const own = Promise.all([session.accessToken(), session.accessToken()]);
  const others = await Promise.all([run(5), run(5), run(5)]);
  for (const { lines, code } of others) expect([code, lines.length]).toEqual([0, 5]);
  const [one = "", two = ""] = await own;
  expect(one).toBe(two);
  expect(plane.events.all.filter((event) => event.startsWith("reuse"))).toEqual([]);
  session.outlive();
  session.outlive();
  expect(await isTaken(await session.accessToken())).toBe(true);
});

test.each(["before-using", "before-keeping"])("a crash %s what a refresh brought does not sign the person out", async (how) => {
  const { session } = await signIn();
  session.outlive();
  // Its clock is its own, so it dies in the second round.
  expect(await run(2, how)).toMatchObject({ signal: "SIGKILL" });
  session.outlive();
  expect(await isTaken(await session.accessToken())).toBe(true);
  expect(plane.events.all.filter((event) => event.startsWith("reuse"))).toEqual([]);
  expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});

test("an answer that the network swallowed does not sign the person out", async () => {
  const { session } = await signIn();
  session.outlive();
  let swallowed = 0;
  plane.beforeAnswer = (incoming, response) => {
    if (incoming.url === "/oauth/token" && swallowed++ === 0) response.end = () => response.destroy();
  };
  await expect(session.accessToken()).rejects.toMatchObject({ code: "plane-unreachable" });
  expect(await isTaken(await session.accessToken())).toBe(true);
  expect(swallowed).toBe(2);
});

test("a plane that is away signs nobody out, and one that ended the sign-in does", async () => {
  const { session } = await signIn();
  session.outlive();
  plane.beforeAnswer = (_incoming, response) => response.destroy();
  await expect(session.accessToken()).rejects.toMatchObject({ code: "plane-unreachable" });
  plane.beforeAnswer = () => undefined;
  expect(await isTaken(await session.accessToken())).toBe(true);
  await plane.authorization.revokeAllOf({ organizationId: "org-1", accountId: "account-1" });
  session.outlive();
  await expect(session.accessToken()).rejects.toMatchObject({ code: "sign-in-required" });
  expect(await session.session.who()).toBeUndefined();
});

test("a token that the plane refused is not given again", async () => {
  const { session } = await signIn();
  const refused = await session.accessToken();
  session.session.refuse(refused);
  expect(await session.accessToken()).not.toBe(refused);
});

test("signing out revokes at the plane, and works without it too", async () => {
  const { session } = await signIn();
  const token = await session.accessToken();
  expect(await session.session.signOut()).toEqual({ revoked: true });
  expect(await isTaken(token)).toBe(false);
  expect(readdirSync(folder)).not.toContain("sign-in.json");
  await expect(session.accessToken()).rejects.toMatchObject({ code: "sign-in-required" });
  const { session: second } = await signIn();
  plane.beforeAnswer = (_incoming, response) => response.destroy();
  expect(await second.session.signOut()).toEqual({ revoked: false });
  expect(await second.session.who()).toBeUndefined();
});

test("signing in again ends the earlier sign-in", async () => {
  const { session } = await signIn();
  const earlier = await session.accessToken();
  await signIn();
  expect(await isTaken(earlier)).toBe(false);
});

test("a file that others can read, or that is damaged, is no sign-in", async () => {
  const { session } = await signIn();
  const path = join(folder, "sign-in.json");
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.slice(0, 40));
  expect(await session.session.who()).toBeUndefined();
  rmSync(path);
  writeFileSync(path, text, { mode: 0o644 });
  await expect(session.session.who()).rejects.toMatchObject({ code: "sign-in-required" });
});
