import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { guarded } from "./sender-guard.ts";
import { settingsChangeSchema } from "./settings.ts";

const own = { sender: { id: 7 }, senderFrame: { url: "app://berth/environments", parent: null } };
const echo = guarded(
  () => 7,
  z.tuple([z.string().max(10)]),
  ([text]) => text,
);

test("the window's own page is answered", async () => {
  expect(await echo(own, "x")).toBe("x");
});

test.each([
  ["a frame in the page", { ...own, senderFrame: { url: "app://berth/", parent: {} } }],
  ["a foreign page", { ...own, senderFrame: { url: "https://evil.test/", parent: null } }],
  ["a page whose name begins alike", { ...own, senderFrame: { url: "app://berth.evil.test/", parent: null } }],
  ["a page with the name as its user", { ...own, senderFrame: { url: "app://berth@evil/", parent: null } }],
  ["a blank page", { ...own, senderFrame: { url: "about:blank", parent: null } }],
  ["a page that is gone", { ...own, senderFrame: null }],
  ["another window", { ...own, sender: { id: 8 } }],
])("%s is refused", async (_, event) => {
  await expect(echo(event, "x")).rejects.toThrow("refused");
});

test.each([[[]], [[1]], [["x", "y"]], [["x".repeat(11)]], [[null]], [[{ length: 1 }]]])("the arguments %j are refused", async (args) => {
  await expect(echo(own, ...args)).rejects.toThrow("refused");
});

test("whatever is sent as a change of settings, what passes is one", async () => {
  const change = guarded(
    () => 7,
    z.tuple([settingsChangeSchema]),
    ([change]) => change,
  );
  await fc.assert(
    fc.asyncProperty(fc.anything(), async (value) => {
      const taken = await change(own, value).catch(() => undefined);
      if (taken !== undefined) expect(settingsChangeSchema.safeParse(taken).success).toBe(true);
    }),
  );
});
