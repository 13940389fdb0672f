import "./theme/tokens.css";
import { createRoot } from "react-dom/client";
import { createStore } from "zustand/vanilla";
import type {} from "../contract/desktop-bridge.ts";
import { createClients } from "./api/clients.ts";
import { enter } from "./api/session.ts";
import type { App } from "./app/context.ts";
import { Root } from "./app/root.tsx";
import { CommandRegistry } from "./commands/registry.ts";
import { languageOf } from "./i18n/strings.ts";
import { createRouter } from "./router/router.ts";
import { createPreferences } from "./store/preferences.ts";
import { routeOf } from "./router/routes.ts";
import { createAppStore, keepWatching, pauseInBrowser } from "./store/store.ts";
import { type Appearance, applyAppearance, loadAppearance, saveAppearance } from "./theme/appearance.ts";
import { Toasts } from "./ui/toasts.ts";

/** Puts the window's parts together, lets it in, and keeps it fed. */
async function start(): Promise<void> {
  const lifetime = new AbortController();
  const isMac = navigator.platform.startsWith("Mac");
  const appearance = createStore<Appearance>(() => loadAppearance(localStorage));
  const show = (now: Appearance): void => applyAppearance(document.documentElement, now, languageOf(now.language, navigator.languages));
  show(appearance.getState());
  appearance.subscribe((now) => {
    show(now);
    saveAppearance(localStorage, now);
  });
  const entry = await enter(window);
  const app: App = {
    clients: createClients(window),
    store: createAppStore(),
    router: createRouter(window, lifetime.signal),
    commands: new CommandRegistry(isMac),
    toasts: new Toasts(),
    appearance,
    preferences: createPreferences(localStorage),
    isMac,
    systemLanguages: navigator.languages,
  };
  // The tray, a notification or a deep link of the app leads somewhere; a browser has none of them.
  window.berthDesktop?.onNavigate((address) => app.router.go(routeOf(address)));
  const element = document.getElementById("root");
  if (element === null) throw new Error("the page has no #root");
  createRoot(element).render(<Root app={app} />);
  if (entry === "used") return app.store.setState({ connection: "refused" });
  await keepWatching(
    {
      store: app.store,
      watch: (fromSequence, signal) => app.clients.workspaces.watch({ fromSequence }, { signal }),
      pause: pauseInBrowser,
    },
    lifetime.signal,
  );
}

void start();
