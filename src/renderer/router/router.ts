import { createStore, type StoreApi } from "zustand/vanilla";
import { addressOf, type Route, routeOf } from "./routes.ts";

/** Where the person is, over the browser's own history, so that back and forward work as everywhere. */
export interface Router {
  readonly route: StoreApi<Route>;
  go(route: Route): void;
  /** Goes without leaving a step to come back to, e.g. from a form that was sent. */
  replace(route: Route): void;
  back(): void;
}

export function createRouter(window: Window, signal: AbortSignal): Router {
  const current = (): Route => routeOf(window.location.pathname + window.location.search);
  const route = createStore<Route>(current);
  window.addEventListener("popstate", () => route.setState(current(), true), { signal });
  return {
    route,
    go: (next) => {
      if (addressOf(next) !== addressOf(route.getState())) window.history.pushState(null, "", addressOf(next));
      route.setState(next, true);
    },
    replace: (next) => {
      window.history.replaceState(null, "", addressOf(next));
      route.setState(next, true);
    },
    back: () => window.history.back(),
  };
}
