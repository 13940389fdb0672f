import { useId, useState } from "react";
import { type GetSettingsResponse, type NetworkSettings, ProxyMode } from "../../../contract/gen/berth/v1/settings_pb.js";
import type { Call } from "../../api/use-call.ts";
import { useApp, useAppState, useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { Field, Input } from "../../ui/input.tsx";
import { SettingList, SelectSetting } from "./setting.tsx";

const modes = { computer: ProxyMode.COMPUTER, none: ProxyMode.NONE, own: ProxyMode.OWN } as const;
type Mode = keyof typeof modes;

interface Draft {
  readonly mode: Mode;
  readonly httpProxy: string;
  readonly httpsProxy: string;
  readonly noProxy: string;
  /** One path a line. */
  readonly certificates: string;
}

/** Proxy and authorities; what is wrong with them only the host can say. */
export function NetworkForm({
  settings,
  onSaved,
}: {
  readonly settings: GetSettingsResponse;
  readonly onSaved: Call<GetSettingsResponse>["set"];
}) {
  const { clients, toasts } = useApp();
  const { settings: words } = useStrings();
  const online = useAppState((s) => s.connection === "online");
  const kept = draftOf(settings.settings?.network);
  const [draft, setDraft] = useState(kept);
  const changed = JSON.stringify(draft) !== JSON.stringify(kept);
  const notNow = !online ? words.notOffline : changed ? undefined : words.unchanged;
  const save = async (): Promise<void> => {
    if (notNow !== undefined) return;
    const { mode, httpProxy, httpsProxy, noProxy } = draft;
    const caCertificateFiles = draft.certificates.split("\n").filter((path) => path.trim() !== "");
    try {
      const answer = await clients.settings.updateSettings({
        network: { proxyMode: modes[mode], httpProxy, httpsProxy, noProxy, caCertificateFiles },
      });
      if (answer.settings !== undefined) {
        onSaved(answer.settings);
        setDraft(draftOf(answer.settings.settings?.network));
      }
      toasts.info(words.saved);
    } catch (error) {
      toasts.failed(error);
    }
  };
  const found = [settings.computerHttpProxy, settings.computerHttpsProxy].filter((url) => url !== "");
  const hints: Readonly<Record<Mode, string>> = {
    computer: found.length === 0 ? words.network.noneFound : words.network.found([...new Set(found)].join(", ")),
    none: words.network.noneHint,
    own: words.network.ownHint,
  };
  return (
    <form
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <SettingList>
        <SelectSetting
          label={words.network.proxy}
          hint={hints[draft.mode]}
          value={draft.mode}
          options={(["computer", "none", "own"] as const).map((value) => ({ value, label: words.network.modes[value] }))}
          onChange={(mode) => setDraft({ ...draft, mode })}
        />
      </SettingList>
      {draft.mode === "own" ? <ProxyFields draft={draft} onChange={setDraft} /> : null}
      <Certificates value={draft.certificates} onChange={(certificates) => setDraft({ ...draft, certificates })} />
      <div className="flex items-center gap-4">
        <p className="min-w-0 flex-1 text-sm text-muted">{words.network.arrives}</p>
        <Button type="submit" disabledReason={notNow}>
          {words.save}
        </Button>
      </div>
    </form>
  );
}

function ProxyFields({ draft, onChange }: { readonly draft: Draft; readonly onChange: (draft: Draft) => void }) {
  const { settings: words } = useStrings();
  const fields = [
    { key: "httpProxy", label: words.network.httpProxy, hint: "", placeholder: "http://proxy.example:3128" },
    { key: "httpsProxy", label: words.network.httpsProxy, hint: "", placeholder: "http://proxy.example:3128" },
    { key: "noProxy", label: words.network.noProxy, hint: words.network.noProxyHint, placeholder: ".example, 10.0.0.0/8" },
  ] as const;
  return fields.map(({ key, label, hint, placeholder }) => (
    <Field key={key} label={label} hint={hint}>
      {(props) => (
        <Input {...props} value={draft[key]} placeholder={placeholder} onChange={(e) => onChange({ ...draft, [key]: e.target.value })} />
      )}
    </Field>
  ));
}

function Certificates({ value, onChange }: { readonly value: string; readonly onChange: (value: string) => void }) {
  const { settings: words } = useStrings();
  const id = useId();
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="font-medium">
        {words.network.certificates}
      </label>
      <textarea
        id={id}
        rows={2}
        spellCheck={false}
        autoComplete="off"
        aria-describedby={`${id}-note`}
        className="w-full -outline-offset-1 rounded-md border border-line-strong bg-bg px-2 py-1 font-mono text-fg placeholder:text-muted"
        value={value}
        onChange={(e) => onChange(e.target.value)}
      />
      <p id={`${id}-note`} className="text-sm text-muted">
        {words.network.certificatesHint}
      </p>
    </div>
  );
}

function draftOf(network: NetworkSettings | undefined): Draft {
  const mode = (["none", "own"] as const).find((name) => modes[name] === network?.proxyMode) ?? "computer";
  return {
    mode,
    httpProxy: network?.httpProxy ?? "",
    httpsProxy: network?.httpsProxy ?? "",
    noProxy: network?.noProxy ?? "",
    certificates: (network?.caCertificateFiles ?? []).join("\n"),
  };
}
