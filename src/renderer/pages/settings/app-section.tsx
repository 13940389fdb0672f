import { useState } from "react";
import type { DesktopSettings, DesktopState } from "../../../contract/desktop-bridge.ts";
import { useApp, useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Section } from "../../ui/section.tsx";
import { acceleratorOf } from "./accelerator.ts";
import { CheckSetting, optionsOf, SelectSetting, Setting, SettingList } from "./setting.tsx";
import type { Desktop } from "./use-desktop-state.ts";

/** What only the app's own window has. */
export function AppSection({ desktop: { bridge, state } }: { readonly desktop: Desktop }) {
  const { toasts } = useApp();
  const { settings: words } = useStrings();
  const { settings } = state;
  const change = (part: Partial<DesktopSettings>): void => void bridge.changeSettings(part).catch((error: unknown) => toasts.failed(error));
  return (
    <Section id="app" title={words.app.heading} description={words.app.description}>
      {state.warning === "" ? null : <Notice tone="warn" title={state.warning} />}
      <SettingList>
        <CheckSetting
          label={words.app.launchAtLogin}
          checked={settings.launchAtLogin}
          onChange={(launchAtLogin) => change({ launchAtLogin })}
        />
        <CheckSetting label={words.app.keepInTray} checked={settings.keepInTray} onChange={(keepInTray) => change({ keepInTray })} />
        <ShortcutSetting value={settings.globalShortcut} onChange={(globalShortcut) => change({ globalShortcut })} />
        <SelectSetting
          label={words.app.onQuit}
          value={settings.onQuit}
          options={optionsOf(words.app.onQuits, ["ask", "leave", "suspend", "stop"])}
          onChange={(onQuit) => change({ onQuit })}
        />
      </SettingList>
      <h3 className="font-medium">{words.app.notify}</h3>
      <SettingList>
        {(["notifyReady", "notifyFailed", "notifyPorts"] as const).map((name) => (
          <CheckSetting key={name} label={words.app[name]} checked={settings[name]} onChange={(on) => change({ [name]: on })} />
        ))}
      </SettingList>
      <SettingList>
        <SelectSetting
          label={words.app.channel}
          hint={<UpdateLine update={state.update} />}
          value={settings.updateChannel}
          options={optionsOf(words.app.channels, ["stable", "beta"])}
          onChange={(updateChannel) => change({ updateChannel })}
        />
      </SettingList>
      <UpdateButtons bridge={bridge} update={state.update} />
    </Section>
  );
}

function UpdateLine({ update: { phase, version, message } }: Pick<DesktopState, "update">) {
  const { settings } = useStrings();
  const words = settings.app.update;
  switch (phase) {
    case "downloading":
    case "ready":
      return words[phase](version);
    case "failed":
      return words.failed(message);
    case "off":
    case "idle":
    case "checking":
      return words[phase];
  }
}

function UpdateButtons({ bridge, update: { phase } }: { readonly bridge: Desktop["bridge"]; readonly update: DesktopState["update"] }) {
  const { toasts } = useApp();
  const { settings: words } = useStrings();
  const install = async (): Promise<void> => {
    try {
      const reason = await bridge.installUpdate();
      if (reason !== undefined) toasts.info(reason);
    } catch (error) {
      toasts.failed(error);
    }
  };
  const busy = phase === "checking" || phase === "downloading" ? words.app.update.checking : undefined;
  return (
    <div className="flex justify-end gap-2">
      <Button
        disabledReason={phase === "off" ? words.app.update.off : busy}
        onClick={() => void bridge.checkForUpdate().catch((error: unknown) => toasts.failed(error))}
      >
        {words.app.check}
      </Button>
      {phase === "ready" ? (
        <Button kind="primary" onClick={() => void install()}>
          {words.app.install}
        </Button>
      ) : null}
    </div>
  );
}

function ShortcutSetting({ value, onChange }: { readonly value: string; readonly onChange: (accelerator: string) => void }) {
  const { isMac } = useApp();
  const { settings } = useStrings();
  const words = settings.app;
  const [recording, setRecording] = useState(false);
  return (
    <Setting label={words.shortcut} hint={recording ? words.shortcutHint : value === "" ? words.shortcutNone : value}>
      <span data-keys="own" className="flex gap-2">
        <Button
          aria-pressed={recording}
          onClick={() => setRecording(!recording)}
          onBlur={() => setRecording(false)}
          onKeyDown={(event) => {
            if (!recording || event.key === "Tab") return;
            event.preventDefault();
            event.stopPropagation();
            const accelerator = acceleratorOf(event.nativeEvent, isMac);
            if (accelerator !== undefined) onChange(accelerator);
            if (accelerator !== undefined || event.key === "Escape") setRecording(false);
          }}
        >
          {recording ? words.shortcutRecord : words.shortcutChange}
        </Button>
        {value === "" ? null : <Button onClick={() => onChange("")}>{words.shortcutClear}</Button>}
      </span>
    </Setting>
  );
}
