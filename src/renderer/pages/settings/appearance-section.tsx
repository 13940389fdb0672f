import { useStore } from "zustand";
import { useApp, useStrings } from "../../app/context.ts";
import { Section } from "../../ui/section.tsx";
import { optionsOf, SelectSetting, SettingList } from "./setting.tsx";

/** How the window looks; every change shows at once. */
export function AppearanceSection() {
  const { settings } = useStrings();
  const words = settings.appearance;
  const { appearance } = useApp();
  const now = useStore(appearance);
  return (
    <Section id="appearance" title={words.heading} description={words.description}>
      <SettingList>
        <SelectSetting
          label={words.theme}
          value={now.theme}
          options={optionsOf(words.themes, ["system", "light", "dark"])}
          onChange={(theme) => {
            appearance.setState({ theme });
            // Menus and title bars are drawn by the system.
            void window.berthDesktop?.changeSettings({ theme }).catch(() => undefined);
          }}
        />
        <SelectSetting
          label={words.contrast}
          value={now.contrast}
          options={optionsOf(words.contrasts, ["system", "more"])}
          onChange={(contrast) => appearance.setState({ contrast })}
        />
        <SelectSetting
          label={words.motion}
          value={now.motion}
          options={optionsOf(words.motions, ["system", "less"])}
          onChange={(motion) => appearance.setState({ motion })}
        />
        <SelectSetting
          label={words.density}
          value={now.density}
          options={optionsOf(words.densities, ["system", "compact", "roomy"])}
          onChange={(density) => appearance.setState({ density })}
        />
        <SelectSetting
          label={words.language}
          value={now.language}
          options={optionsOf(words.languages, ["system", "en", "de"])}
          onChange={(language) => appearance.setState({ language })}
        />
      </SettingList>
    </Section>
  );
}
