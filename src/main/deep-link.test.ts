import fc from "fast-check";
import { expect, test } from "vitest";
import { deepLinkOf, parseDeepLink, routeOfLink } from "./deep-link.ts";

const id = "0195d1f2-0000-7000-8000-00000000abcd";

test("a link to a repository and one to an environment are understood", () => {
  expect(parseDeepLink("berth://new?url=https%3A%2F%2Fgithub.com%2Fowner%2Frepository")).toEqual({
    kind: "new",
    url: "https://github.com/owner/repository",
  });
  expect(parseDeepLink(`berth://open/${id}`)).toEqual({ kind: "open", environmentId: id });
});

test.each([
  "berth://new",
  "berth://new?url=",
  "berth://new?url=file%3A%2F%2F%2Fetc%2Fpasswd",
  "berth://new?url=ssh%3A%2F%2Fgit%40github.com%2Fa%2Fb",
  "berth://new?url=ext%3A%3Ash%20-c%20id",
  "berth://new?url=--upload-pack%3Did",
  "berth://new?url=https%3A%2F%2Fuser%3Apassword%40github.com%2Fa%2Fb",
  "berth://new?url=https%3A%2F%2Fgithub.com%2Fa%2Fb%0d%0aid",
  "berth://new?url=https%3A%2F%2Fgithub.com%2Fa%2Fb&url=https%3A%2F%2Fevil.test%2Fa%2Fb",
  "berth://new?url=https%3A%2F%2Fgithub.com%2Fa%2Fb&confirm=no",
  "berth://new/path?url=https%3A%2F%2Fgithub.com%2Fa%2Fb",
  "berth://user@new?url=https%3A%2F%2Fgithub.com%2Fa%2Fb",
  "berth://new:80?url=https%3A%2F%2Fgithub.com%2Fa%2Fb",
  "berth://new?url=https%3A%2F%2Fgithub.com%2Fa%2Fb#x",
  `berth://open/${id}?force=1`,
  `berth://open/${id}/delete`,
  "berth://open/../delete",
  "berth://open/",
  "berth://delete/all",
  " berth://open/x",
  "BERTH://open/x",
  "https://berth/open",
])("%s is refused", (link) => expect(parseDeepLink(link)).toBeUndefined());

test("a link longer than any repository's address is refused", () => {
  expect(parseDeepLink(`berth://new?url=https%3A%2F%2Fgithub.com%2Fa%2F${"b".repeat(3000)}`)).toBeUndefined();
});

test("whatever follows the scheme, a link asks for one of two things or for nothing", () => {
  const anything = fc.oneof(
    fc.string(),
    fc
      .array(fc.constantFrom("https://", "a.test", "/", "..", "%2f", "?", "&", "url=", "#", ":", "@", "--", "%0a", " ", "\0", id))
      .map((parts) => parts.join("")),
  );
  const links = fc.tuple(fc.constantFrom("berth://", "berth:", "berth://new?url=", "berth://open/", ""), anything);
  fc.assert(
    fc.property(links, ([start, rest]) => {
      const link = parseDeepLink(start + rest);
      if (link === undefined) return;
      if (link.kind === "open") expect(link.environmentId).toMatch(/^[0-9a-f-]{36}$/);
      else expect(link.url).toMatch(/^https:\/\/[^\s]+$/);
      expect(routeOfLink(link)).toMatch(/^\/(new\?url=[^&\s]+&from=link|environments\/[0-9a-f-]{36}\/overview)$/);
    }),
    { numRuns: 10_000 },
  );
}, 60_000);

test("of a program's arguments only a single link counts", () => {
  const link = `berth://open/${id}`;
  expect(deepLinkOf(["/opt/Berth/berth", link])).toEqual({ kind: "open", environmentId: id });
  expect(deepLinkOf(["/opt/Berth/berth", "--no-sandbox", "--user-data-dir=/tmp/x", link])).toEqual({ kind: "open", environmentId: id });
  expect(deepLinkOf(["/opt/Berth/berth", link, link])).toBeUndefined();
  expect(deepLinkOf([link])).toBeUndefined();
  expect(deepLinkOf(["/opt/Berth/berth", `--url=${link}`, "/etc/passwd"])).toBeUndefined();
});
