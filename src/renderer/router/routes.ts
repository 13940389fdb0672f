/** The screens. A new one is a member here, a line in each of the two functions, and a case in app/screen.tsx. */
export type Route =
  | { readonly page: "environments" }
  | { readonly page: "environment"; readonly id: string; readonly tab: EnvironmentTab }
  | { readonly page: "new"; readonly source: string }
  | { readonly page: "machine" }
  | { readonly page: "settings" }
  | { readonly page: "diagnostics" }
  | { readonly page: "about" }
  | { readonly page: "manage"; readonly contextId: string; readonly section: ManageSection }
  | { readonly page: "not-found"; readonly path: string };

export const environmentTabs = ["overview", "terminal", "logs", "ports", "settings"] as const;
export type EnvironmentTab = (typeof environmentTabs)[number];

/** What is administered of an organization. */
export const manageSections = [
  "members",
  "sign-in",
  "runners",
  "classes",
  "projects",
  "policies",
  "environments",
  "audit-log",
  "usage",
] as const;
export type ManageSection = (typeof manageSections)[number];

/** The screen of an address. Total: what is no screen's address is `not-found`. */
export function routeOf(address: string): Route {
  const url = new URL(address, "http://berth");
  const [page = "", ...rest] = url.pathname.split("/").filter((part) => part !== "");
  const [id, tab = "overview"] = rest;
  if (page === "environments" && id !== undefined && rest.length <= 2 && isTab(tab)) return { page: "environment", id, tab };
  if (page === "manage") return manageRoute(rest) ?? { page: "not-found", path: url.pathname };
  if (rest.length > 0) return { page: "not-found", path: url.pathname };
  switch (page) {
    case "":
    case "index.html":
    case "environments":
      return { page: "environments" };
    case "new":
      return { page: "new", source: url.searchParams.get("url") ?? "" };
    case "machine":
    case "settings":
    case "diagnostics":
    case "about":
      return { page };
    default:
      return { page: "not-found", path: url.pathname };
  }
}

/** The address of a screen; the inverse of routeOf. */
export function addressOf(route: Route): string {
  switch (route.page) {
    case "environment":
      return `/environments/${route.id}/${route.tab}`;
    case "new":
      return route.source === "" ? "/new" : `/new?url=${encodeURIComponent(route.source)}`;
    case "manage":
      return route.contextId === "" ? "/manage" : `/manage/${route.contextId}/${route.section}`;
    case "not-found":
      return route.path;
    default:
      return `/${route.page}`;
  }
}

function isTab(text: string): text is EnvironmentTab {
  return environmentTabs.some((tab) => tab === text);
}

/** Without a context it is the first that somebody is signed in to. */
function manageRoute([contextId = "", name = "members", ...rest]: readonly string[]): Route | undefined {
  const section = manageSections.find((known) => known === name);
  return section === undefined || rest.length > 0 ? undefined : { page: "manage", contextId, section };
}
