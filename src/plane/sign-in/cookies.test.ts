import { expect, test } from "vitest";
import { Cookies } from "./cookies.ts";

test("on https a cookie belongs to the one host, is sent encrypted only, and no script reads it", () => {
  const cookies = new Cookies(true);
  expect(cookies.set("berth-session", "value", 90_000)).toBe(
    "__Host-berth-session=value; Path=/; HttpOnly; SameSite=Lax; Max-Age=90; Secure",
  );
  expect(cookies.clear("berth-session")).toContain("Max-Age=0");
  expect(cookies.get("a=1; __Host-berth-session=value; b=2", "berth-session")).toBe("value");
});

test.each([
  undefined,
  "",
  "berth-session=planted",
  "__Host-berth-session=",
  "__Host-berth-session=one; __Host-berth-session=two",
  "x__Host-berth-session=v",
])("'%s' has no session", (header) => {
  expect(new Cookies(true).get(header, "berth-session")).toBeUndefined();
});
