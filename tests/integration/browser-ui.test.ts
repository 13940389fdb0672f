import { mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { contentSecurityPolicy } from "../../src/lib/content-security-policy.ts";
import { SimulatedHost } from "../support/simulated-host.ts";

let host: SimulatedHost;
let base: string;
let port: number;

beforeAll(async () => {
  host = new SimulatedHost();
  const ui = join(host.folder, "ui");
  mkdirSync(join(ui, "assets"), { recursive: true });
  writeFileSync(join(ui, "index.html"), "<!doctype html><title>Berth</title>");
  writeFileSync(join(ui, "assets", "main-abc.js"), "export {};");
  writeFileSync(join(host.folder, "secret.txt"), "not for the browser");
  host.env["BERTH_UI"] = ui;
  await host.start();
  base = new URL((await host.host.openUi({})).url).origin;
  port = Number(new URL(base).port);
});

afterAll(async () => host.end());

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Raw, since fetch would straighten paths and refuse the headers an attacker sends. */
async function ask(path: string, headers: Record<string, string> = {}, method = "GET", body = ""): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, method, headers: { host: `127.0.0.1:${port}`, ...headers } }, (answer) => {
      let text = "";
      answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }));
    });
    asked.on("error", reject).end(body);
  });
}

const json = { "content-type": "application/json" };

async function token(): Promise<string> {
  return new URL((await host.host.openUi({})).url).hash.replace("#token=", "");
}

async function login(given: string, headers: Record<string, string> = { origin: base }): Promise<Answer> {
  return ask("/login", { ...json, ...headers }, "POST", JSON.stringify({ token: given }));
}

async function session(): Promise<{ cookie: string; "x-berth-key": string; origin: string }> {
  const answer = await login(await token());
  const cookie = answer.headers["set-cookie"]?.[0]?.split(";")[0] ?? "";
  return { cookie, "x-berth-key": (JSON.parse(answer.body) as { key: string }).key, origin: base };
}

async function call(headers: Record<string, string>): Promise<Answer> {
  return ask("/berth.v1.HostService/GetHost", { ...json, ...headers }, "POST", "{}");
}

test("a link lets a browser in once, with a cookie no script can read", async () => {
  const given = await token();
  const first = await login(given);
  expect(first.status).toBe(200);
  expect(first.headers["set-cookie"]?.[0]).toMatch(/^berth-\d+=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/$/);
  expect((await login(given)).status).toBe(401);
  expect((await login("made-up")).status).toBe(401);
  expect((await call(await session())).status).toBe(200);
});

test("a login that does not come from our page is refused, and its link stays good", async () => {
  const given = await token();
  for (const headers of [{ origin: "https://evil.example" }, { origin: "http://127.0.0.1:1" }, { origin: "null" }, {}])
    expect((await login(given, headers)).status, JSON.stringify(headers)).toBe(403);
  expect((await ask("/login", { ...json, origin: base }, "GET")).status).toBe(403);
  expect((await login(given)).status).toBe(200);
});

test("a call needs the cookie, the key and our own page, whatever else it has", async () => {
  const own = await session();
  const other = await session();
  const without = (name: keyof typeof own): Record<string, string> =>
    Object.fromEntries(Object.entries(own).filter(([key]) => key !== name));
  expect((await call(without("cookie"))).status).toBe(401);
  expect((await call(without("x-berth-key"))).status).toBe(401);
  expect((await call({ ...own, "x-berth-key": other["x-berth-key"] })).status).toBe(401);
  expect((await call(without("origin"))).status).toBe(403);
  expect((await call({ ...own, origin: "https://evil.example" })).status).toBe(403);
  expect((await call({ ...own, host: `evil.example:${port}` })).status).toBe(403);
  expect((await call({ ...own, host: `evil.example:${port}`, origin: `http://evil.example:${port}` })).status).toBe(403);
  expect((await call({ ...own, authorization: "Bearer wrong" })).status).toBe(401);
  expect((await call(own)).headers["access-control-allow-origin"]).toBeUndefined();
});

test("a program with the bearer token goes on working", async () => {
  const { token: bearer } = await host.host.openLoopback({});
  expect((await call({ authorization: `Bearer ${bearer}` })).status).toBe(200);
  expect((await call({ authorization: `Bearer ${bearer}`, origin: "https://evil.example" })).status).toBe(403);
});

test("every screen's address gives the page, with a policy that lets nothing foreign in", async () => {
  for (const path of ["/", "/environments", "/environments/some-id/logs?x=1"]) {
    const answer = await ask(path);
    expect(answer).toMatchObject({ status: 200, body: expect.stringContaining("<title>Berth") });
    expect(answer.headers).toMatchObject({
      "content-security-policy": contentSecurityPolicy,
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-cache",
      "x-content-type-options": "nosniff",
      "cross-origin-resource-policy": "same-origin",
    });
  }
  expect(contentSecurityPolicy).not.toMatch(/unsafe|https?:|\*/);
  expect((await ask("/assets/main-abc.js")).headers).toMatchObject({
    "content-type": "text/javascript; charset=utf-8",
    "cache-control": expect.stringContaining("immutable"),
  });
});

test.each([
  "/../secret.txt",
  "/%2e%2e/secret.txt",
  "/assets/..%2f..%2fsecret.txt",
  "/assets/../../secret.txt",
  "/..%5csecret.txt",
  "/%2fetc/passwd%00.html",
  "//etc/hostname.txt",
])("%s leads out of nothing", async (path) => {
  const answer = await ask(path);
  expect(answer.status).toBe(404);
  expect(answer.body).not.toContain("not for the browser");
});

test("files are for our own address only, and only to be read", async () => {
  expect((await ask("/", { host: `evil.example:${port}` })).status).toBe(403);
  expect((await ask("/", { origin: "https://evil.example" })).status).toBe(403);
  expect((await ask("/", { origin: base }, "POST")).status).toBe(405);
  expect((await ask("/", {}, "HEAD")).body).toBe("");
});
