import { useApp, usePreferences, useStrings } from "../../app/context.ts";
import { useEditors } from "../../environments/use-editors.ts";
import { Section } from "../../ui/section.tsx";
import { Skeleton } from "../../ui/states.tsx";
import { SelectSetting, SettingList } from "./setting.tsx";

/** Which editor opens an environment. */
export function EditorSection() {
  const { settings } = useStrings();
  const words = settings.editor;
  const { preferences } = useApp();
  const { defaultEditor } = usePreferences();
  const editors = useEditors("");
  const chosen = editors.find((editor) => editor.alias === defaultEditor);
  return (
    <Section id="editor" title={words.heading} description={words.description}>
      {editors.length === 0 ? (
        <Skeleton className="h-11" />
      ) : (
        <SettingList>
          <SelectSetting
            label={words.label}
            hint={
              chosen === undefined || chosen.installationInstructions === ""
                ? undefined
                : words.howToInstall(chosen.installationInstructions)
            }
            value={defaultEditor}
            options={editors.map((editor) => ({ value: editor.alias, label: editor.name }))}
            onChange={(alias) => preferences.setState({ defaultEditor: alias })}
          />
        </SettingList>
      )}
    </Section>
  );
}
