import { useMemo } from "react";
import { useCommands, useStrings } from "../../app/context.ts";
import { Page } from "../../ui/page.tsx";
import { PlanesSection } from "../../planes/planes-section.tsx";
import { AccessSection } from "./access-section.tsx";
import { AppSection } from "./app-section.tsx";
import { AppearanceSection } from "./appearance-section.tsx";
import { EditorSection } from "./editor-section.tsx";
import { HostSettingsSections } from "./host-settings-sections.tsx";
import { RegistriesSection } from "./registries-section.tsx";
import { SecretsSection } from "./secrets-section.tsx";
import { useDesktopState } from "./use-desktop-state.ts";
import { useSecrets } from "./use-secrets.ts";

interface Chapter {
  readonly id: string;
  readonly title: string;
}

export function SettingsPage() {
  const { settings: words } = useStrings();
  const desktop = useDesktopState();
  const secrets = useSecrets();
  const hasApp = desktop !== undefined;
  const chapters = useMemo(
    (): readonly Chapter[] => [
      { id: "appearance", title: words.appearance.heading },
      { id: "editor", title: words.editor.heading },
      { id: "git", title: words.git.heading },
      { id: "network", title: words.network.heading },
      { id: "machine", title: words.idle.heading },
      { id: "access", title: words.access.heading },
      { id: "registries", title: words.registries.heading },
      { id: "secrets", title: words.secrets.heading },
      { id: "planes", title: words.planes.heading },
      ...(hasApp ? [{ id: "app", title: words.app.heading }] : []),
    ],
    [words, hasApp],
  );
  useCommands(
    useMemo(
      () =>
        chapters.map(({ id, title }) => ({
          id: `settings:${id}`,
          title: `${words.title}: ${title}`,
          section: words.title,
          run: () => show(id),
        })),
      [chapters, words],
    ),
  );
  return (
    <Page title={words.title}>
      <div className="mx-auto flex w-full max-w-240 gap-8 px-6 py-6">
        <nav aria-label={words.sections} className="sticky top-6 flex w-44 shrink-0 flex-col gap-0.5 self-start">
          {chapters.map(({ id, title }) => (
            <button
              key={id}
              type="button"
              onClick={() => show(id)}
              className="min-h-7 rounded-md px-2 py-1 text-left text-muted hover:bg-hover hover:text-fg"
            >
              {title}
            </button>
          ))}
        </nav>
        <div className="flex min-w-0 flex-1 flex-col gap-8">
          <AppearanceSection />
          <EditorSection />
          <HostSettingsSections />
          <AccessSection />
          <RegistriesSection secrets={secrets} />
          <SecretsSection secrets={secrets} />
          <PlanesSection />
          {desktop === undefined ? null : <AppSection desktop={desktop} />}
        </div>
      </div>
    </Page>
  );
}

/** Brings a section into view, and the keyboard to its first control. */
function show(id: string): void {
  const section = document.getElementById(id);
  section?.scrollIntoView({ block: "start" });
  section?.querySelector<HTMLElement>("button,input,select,textarea,a")?.focus({ preventScroll: true });
}
