import { expect, test } from "vitest";
import { refusalOf } from "./loopback.ts";

const expected = { port: 4000, token: "right" };
const good = { host: "127.0.0.1:4000", authorization: "Bearer right" };

test("only a program that has the token and names this address gets in", () => {
  expect(refusalOf(good, expected)).toBeUndefined();
  expect(refusalOf({ ...good, host: "localhost:4000" }, expected)).toBeUndefined();
});

test.each([
  ["no token", { host: good.host }, 401],
  ["a wrong token", { ...good, authorization: "Bearer wrong" }, 401],
  ["the beginning of the token", { ...good, authorization: "Bearer righ" }, 401],
  ["a name that was rebound to this computer", { ...good, host: "evil.example:4000" }, 403],
  ["another port's name", { ...good, host: "127.0.0.1:4001" }, 403],
  ["a web page", { ...good, origin: "https://evil.example" }, 403],
  ["a page of a file", { ...good, origin: "null" }, 403],
])("%s is refused", (_what, headers, status) => {
  expect(refusalOf(headers, expected)?.status).toBe(status);
});
