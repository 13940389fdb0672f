import { expect, test } from "vitest";
import { addressOf, type Route, routeOf } from "./routes.ts";

const routes: readonly Route[] = [
  { page: "environments" },
  { page: "environment", id: "0190-a", tab: "logs" },
  { page: "new", source: "" },
  { page: "new", source: "https://github.com/a/b/tree/feature/x?y=1#z" },
  { page: "machine" },
  { page: "settings" },
  { page: "diagnostics" },
  { page: "about" },
  { page: "manage", contextId: "", section: "members" },
  { page: "manage", contextId: "0190-c", section: "members" },
  { page: "not-found", path: "/nowhere" },
];

test.each(routes)("the address of $page leads back to it", (route) => {
  expect(routeOf(addressOf(route))).toEqual(route);
});

test.each([
  ["/", { page: "environments" }],
  ["/environments/x", { page: "environment", id: "x", tab: "overview" }],
  ["/environments/x/nonsense", { page: "not-found", path: "/environments/x/nonsense" }],
  ["/manage/c", { page: "manage", contextId: "c", section: "members" }],
  ["/manage/c/nonsense", { page: "not-found", path: "/manage/c/nonsense" }],
  ["/manage/c/members/x", { page: "not-found", path: "/manage/c/members/x" }],
  ["/machine/x", { page: "not-found", path: "/machine/x" }],
  ["//evil.example/machine", { page: "machine" }],
])("%s is understood", (address, route) => {
  expect(routeOf(address)).toMatchObject(route);
});
