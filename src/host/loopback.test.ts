import { expect, test } from "vitest";
import { fileOf } from "./browser/static-files.ts";
import { linkLifetimeMs, UiSessions } from "./browser/ui-sessions.ts";
import { refusalOf } from "./loopback.ts";

const expected = {
  port: 4000,
  token: "right",
  hasSession: ({ cookie, key }: { cookie: string; key: string }) => cookie === "c" && key === "k",
};
const program = { host: "127.0.0.1:4000", authorization: "Bearer right" };
const page = { host: "127.0.0.1:4000", origin: "http://127.0.0.1:4000", cookie: "other=1; berth-4000=c", "x-berth-key": "k" };

test("a program that has the token and names this address gets in, and so does our own page with its session", () => {
  expect(refusalOf(program, expected)).toBeUndefined();
  expect(refusalOf({ ...program, host: "localhost:4000" }, expected)).toBeUndefined();
  expect(refusalOf(page, expected)).toBeUndefined();
  expect(refusalOf({ ...page, host: "localhost:4000", origin: "http://localhost:4000" }, expected)).toBeUndefined();
});

test.each([
  ["no token", { host: program.host }, 401],
  ["a wrong token", { ...program, authorization: "Bearer wrong" }, 401],
  ["the beginning of the token", { ...program, authorization: "Bearer righ" }, 401],
  ["a name that was rebound to this computer", { ...program, host: "evil.example:4000" }, 403],
  ["another port's name", { ...program, host: "127.0.0.1:4001" }, 403],
  ["a web page", { ...program, origin: "https://evil.example" }, 403],
  ["a page of a file", { ...program, origin: "null" }, 403],
  ["a page of another port", { ...page, origin: "http://127.0.0.1:3000" }, 403],
  ["our page's session, used by a rebound name", { ...page, host: "evil.example:4000", origin: "http://evil.example:4000" }, 403],
  ["no cookie", { ...page, cookie: undefined }, 401],
  ["the cookie alone, as another port's server is sent it", { ...page, "x-berth-key": undefined }, 401],
  ["the cookie of another host of this computer", { ...page, cookie: "berth-4001=c" }, 401],
  ["the key of another session", { ...page, "x-berth-key": "other" }, 401],
  ["a session without an origin", { ...page, origin: undefined }, 403],
])("%s is refused", (_what, headers, status) => {
  expect(refusalOf(headers, expected)?.status).toBe(status);
});

test("a link works once, and not for long", () => {
  let nowMs = 0;
  const sessions = new UiSessions(() => nowMs);
  const token = sessions.newLink();
  const session = sessions.exchange(token);
  expect(session !== undefined && sessions.has(session)).toBe(true);
  expect(sessions.exchange(token)).toBeUndefined();
  const late = sessions.newLink();
  nowMs += linkLifetimeMs + 1;
  expect(sessions.exchange(late)).toBeUndefined();
  expect(sessions.exchange("never given")).toBeUndefined();
});

test("the cookie of one session and the key of another are no session", () => {
  const sessions = new UiSessions(() => 0);
  const [one, two] = [sessions.exchange(sessions.newLink()), sessions.exchange(sessions.newLink())];
  expect(sessions.has({ cookie: one?.cookie ?? "", key: two?.key ?? "" })).toBe(false);
});

test("who asks for links without end does not end the newest one's life", () => {
  const sessions = new UiSessions(() => 0);
  const tokens = Array.from({ length: 100 }, () => sessions.newLink());
  expect(sessions.exchange(tokens[0] ?? "")).toBeUndefined();
  expect(sessions.exchange(tokens[99] ?? "")).toBeDefined();
});

const names = new Set(["index.html", "assets", "assets/main-abc.js", "secret"]);

test.each([
  ["/", "index.html"],
  ["/environments/1?tab=logs", "index.html"],
  ["/assets/main-abc.js", "assets/main-abc.js"],
  ["/assets/main-abc.js?x", "assets/main-abc.js"],
  ["/assets/missing.js", undefined],
  ["/missing.css", undefined],
  ["/../../etc/passwd", undefined],
  ["/%2e%2e/%2e%2e/etc/passwd", undefined],
  ["/assets/..%2f..%2fkeys/secrets.key", undefined],
  ["//etc/passwd.txt", undefined],
  ["/assets", "index.html"],
  ["/secret", "index.html"],
  ["/%00", undefined],
  ["/%", undefined],
])("the target %s means %s", (target, name) => {
  expect(fileOf(target, names)).toBe(name);
});
