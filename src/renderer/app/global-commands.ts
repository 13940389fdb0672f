import type { Command } from "../commands/registry.ts";
import type { Strings } from "../i18n/strings.ts";
import type { Appearance } from "../theme/appearance.ts";
import type { App } from "./context.ts";

/** What can be done everywhere. */
export function globalCommands(
  { router, appearance }: Pick<App, "router" | "appearance">,
  { shell }: Strings,
  overlays: { readonly openPalette: () => void; readonly openHelp: () => void },
): readonly Command[] {
  const goTo = (page: "environments" | "machine" | "settings" | "diagnostics" | "about", key: string): Command => ({
    id: `go:${page}`,
    title: shell[page],
    section: shell.goTo,
    shortcut: `g ${key}`,
    run: () => router.go({ page }),
  });
  const theme = (name: Appearance["theme"], title: string): Command => ({
    id: `theme:${name}`,
    title,
    section: shell.theme,
    run: () => appearance.setState({ theme: name }),
  });
  return [
    { id: "palette", title: shell.searchOrRun, section: shell.general, shortcut: "mod+k", keyOnly: true, run: overlays.openPalette },
    { id: "help", title: shell.keyboardShortcuts, section: shell.general, shortcut: "?", run: overlays.openHelp },
    { id: "new", title: shell.newEnvironment, section: shell.general, shortcut: "n", run: () => router.go({ page: "new", source: "" }) },
    goTo("environments", "e"),
    goTo("machine", "m"),
    goTo("settings", "s"),
    goTo("diagnostics", "d"),
    goTo("about", "a"),
    theme("light", shell.themeLight),
    theme("dark", shell.themeDark),
    theme("system", shell.themeSystem),
  ];
}
