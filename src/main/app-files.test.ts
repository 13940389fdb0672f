import fc from "fast-check";
import { normalize } from "node:path";
import { expect, test } from "vitest";
import { resolveAppUrl, securityHeaders } from "./app-files.ts";

const root = "/opt/Berth/renderer";

test("files, pages and calls are told apart", () => {
  expect(resolveAppUrl("app://berth/assets/main.js", "GET", root)).toMatchObject({ kind: "file", path: `${root}/assets/main.js` });
  for (const page of ["app://berth/", "app://berth/environments/x/terminal?tab=1", "app://berth/new?url=https%3A%2F%2Fa.b%2Fc.git"])
    expect(resolveAppUrl(page, "GET", root)).toMatchObject({ kind: "file", path: `${root}/index.html` });
  expect(resolveAppUrl("app://berth/gitpod.v1.EnvironmentService/ListEnvironments", "POST", root)).toEqual({ kind: "api" });
});

test.each([
  "app://berth/../../etc/passwd.txt",
  "app://berth/..%2f..%2fetc/passwd.txt",
  "app://berth/%2e%2e/%2e%2e/etc/passwd.txt",
  "app://berth/%252e%252e%252fpasswd.txt",
  "app://berth/..%5c..%5cx.txt",
  "app://berth/assets/..%2f..%2f..%2fx.js",
  "app://berth//etc/passwd.txt",
  "app://berth/x.js%00.html",
  "app://berth/c:/x.js",
  "app://evil/index.html",
  "file:///etc/passwd",
  "https://berth/index.html",
  "app://berth:80/index.html",
])("%s shows nothing outside the app's folder", (address) => {
  const target = resolveAppUrl(address, "GET", root);
  if (target.kind === "file") expect(target.path).toMatch(/^\/opt\/Berth\/renderer\/(etc\/)?(passwd\.txt|x\.txt)$/);
  else expect(target.kind).toBe("refused");
});

test("no address leads out of the app's folder", () => {
  const part = fc.constantFrom("..", "%2e%2e", "%2f", "%5c", "/", "\\", ".", "a", "%00", "x.js", "%25", "//", "…");
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const target = resolveAppUrl(`app://berth/${parts.join("")}`, "GET", root);
      if (target.kind === "file") expect(target.path.startsWith(`${root}/`) && normalize(target.path) === target.path).toBe(true);
    }),
    { numRuns: 5000 },
  );
});

test("a page can neither be written nor can a call be made by a link", () => {
  expect(resolveAppUrl("app://berth/", "POST", root)).toEqual({ kind: "refused", status: 405 });
  expect(resolveAppUrl("app://berth/gitpod.v1.EnvironmentService/DeleteEnvironment", "GET", root)).toEqual({
    kind: "refused",
    status: 405,
  });
});

test("the policy allows no inline code, no frames and no other origin", () => {
  const policy = securityHeaders["content-security-policy"] ?? "";
  expect(policy).toMatch(/^default-src 'none';/);
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
});
