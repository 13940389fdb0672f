import { createContext, useContext, useEffect, useLayoutEffect, useMemo, useState } from "react";
import { useStore } from "zustand";
import { useShallow } from "zustand/react/shallow";
import type { StoreApi } from "zustand/vanilla";
import type { Clients } from "../api/clients.ts";
import type { Command, CommandRegistry } from "../commands/registry.ts";
import { de } from "../i18n/de.ts";
import { en } from "../i18n/en.ts";
import { type ErrorText, errorText } from "../i18n/errors.ts";
import { type Formats, formatsOf } from "../i18n/format.ts";
import { type Language, languageOf, type Strings } from "../i18n/strings.ts";
import type { Router } from "../router/router.ts";
import type { Route } from "../router/routes.ts";
import type { Preferences } from "../store/preferences.ts";
import type { AppState, AppStore } from "../store/store.ts";
import type { EnvironmentView } from "../store/watch-state.ts";
import type { Appearance } from "../theme/appearance.ts";
import type { Toasts } from "../ui/toasts.ts";

/** What the screens work with. Made once in main.tsx and handed down, so that nothing is global. */
export interface App {
  readonly clients: Clients;
  readonly store: AppStore;
  readonly router: Router;
  readonly commands: CommandRegistry;
  readonly toasts: Toasts;
  readonly appearance: StoreApi<Appearance>;
  readonly preferences: StoreApi<Preferences>;
  readonly isMac: boolean;
  readonly systemLanguages: readonly string[];
}

export const AppContext = createContext<App | undefined>(undefined);

export function useApp(): App {
  const app = useContext(AppContext);
  if (app === undefined) throw new Error("no App is given above this component");
  return app;
}

/** A part of the state; the component is drawn again when that part changes. */
export function useAppState<Part>(select: (state: AppState) => Part): Part {
  return useStore(useApp().store, useShallow(select));
}

export function useEnvironment(id: string): EnvironmentView | undefined {
  return useAppState((state) => state.environments.get(id));
}

export function useRoute(): Route {
  return useStore(useApp().router.route);
}

export function useLanguage(): Language {
  const { appearance, systemLanguages } = useApp();
  return languageOf(
    useStore(appearance, (a) => a.language),
    systemLanguages,
  );
}

/** The texts in the person's language. */
export function useStrings(): Strings {
  return useLanguage() === "de" ? de : en;
}

/** What a person reads of a failure, by its code. */
export function useErrorText(): (code: string) => ErrorText {
  const language = useLanguage();
  return (code) => errorText(code, language);
}

export function useFormats(): Formats {
  const language = useLanguage();
  return useMemo(() => formatsOf(language), [language]);
}

export function usePreferences(): Preferences {
  return useStore(useApp().preferences);
}

/** Makes commands available while the component is shown. Registering is cheap: a list that is made anew each time is fine. */
export function useCommands(commands: readonly Command[]): void {
  const registry = useApp().commands;
  // Before it is painted: a key pressed at a button that can be seen finds the command that the button is for.
  useLayoutEffect(() => registry.register(commands), [registry, commands]);
}

/** The time, told anew every interval. */
export function useNow(intervalMs: number): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), intervalMs);
    return () => clearInterval(timer);
  }, [intervalMs]);
  return nowMs;
}

/** Copies a text and says so. */
export function useCopy(): (text: string) => void {
  const { toasts } = useApp();
  const { shell } = useStrings();
  return (text) => {
    navigator.clipboard.writeText(text).then(
      () => toasts.info(shell.copied),
      () => toasts.info(shell.copyFailed),
    );
  };
}
