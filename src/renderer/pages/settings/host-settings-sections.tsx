import { useCallback, useState } from "react";
import type { GetSettingsResponse } from "../../../contract/gen/berth/v1/settings_pb.js";
import { type Call, useCall } from "../../api/use-call.ts";
import { useApp, useAppState, useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { Field, Input } from "../../ui/input.tsx";
import { Link } from "../../ui/link.tsx";
import { Section } from "../../ui/section.tsx";
import { ErrorState, Skeleton } from "../../ui/states.tsx";
import { NetworkForm } from "./network-form.tsx";
import { SelectSetting, SettingList } from "./setting.tsx";

const idleChoices = [1, 5, 15, 30, 60, 240, 0] as const;

/** Settings that the host keeps, for every window and the command line. */
export function HostSettingsSections() {
  const { clients } = useApp();
  const { settings: words, shell } = useStrings();
  const call = useCall(useCallback(async (signal: AbortSignal) => clients.settings.getSettings({}, { signal }), [clients]));
  const waiting =
    call.error === undefined ? (
      <Skeleton className="h-24" />
    ) : (
      <ErrorState error={call.error} actions={<Button onClick={call.reload}>{shell.retry}</Button>} />
    );
  return (
    <>
      <Section id="git" title={words.git.heading} description={words.git.description}>
        {call.value === undefined ? waiting : <GitForm settings={call.value} onSaved={call.set} />}
      </Section>
      <Section id="network" title={words.network.heading} description={words.network.description}>
        {call.value === undefined ? waiting : <NetworkForm settings={call.value} onSaved={call.set} />}
      </Section>
      <Section id="machine" title={words.idle.heading} description={words.idle.description}>
        {call.value === undefined ? waiting : <IdleSetting settings={call.value} onSaved={call.set} />}
        <Link to={{ page: "machine" }} className="self-start text-accent hover:underline">
          {words.idle.toMachine}
        </Link>
      </Section>
    </>
  );
}

interface FormProps {
  readonly settings: GetSettingsResponse;
  readonly onSaved: Call<GetSettingsResponse>["set"];
}

function GitForm({ settings, onSaved }: FormProps) {
  const { clients, toasts } = useApp();
  const { settings: words } = useStrings();
  const online = useAppState((s) => s.connection === "online");
  const kept = { name: settings.settings?.gitUserName ?? "", email: settings.settings?.gitUserEmail ?? "" };
  const [draft, setDraft] = useState(kept);
  const computer = [settings.computerGitUserName, settings.computerGitUserEmail].filter((text) => text !== "").join(", ");
  const nameError = /[<>]/.test(draft.name) ? words.git.invalid : undefined;
  const emailError = draft.email.trim() !== "" && !/^[^\s<>@]+@[^\s<>@]+$/.test(draft.email.trim()) ? words.git.invalidEmail : undefined;
  const changed = draft.name !== kept.name || draft.email !== kept.email;
  const notNow = !online ? words.notOffline : (nameError ?? emailError ?? (changed ? undefined : words.unchanged));
  const save = async (): Promise<void> => {
    if (notNow !== undefined) return;
    try {
      const answer = await clients.settings.updateSettings({ gitUserName: draft.name.trim(), gitUserEmail: draft.email.trim() });
      if (answer.settings !== undefined) onSaved(answer.settings);
      setDraft({ name: draft.name.trim(), email: draft.email.trim() });
      toasts.info(words.saved);
    } catch (error) {
      toasts.failed(error);
    }
  };
  return (
    <form
      className="flex flex-col gap-3 rounded-md border p-3"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <div className="grid grid-cols-2 gap-4">
        <Field label={words.git.name} error={nameError}>
          {(props) => (
            <Input
              {...props}
              value={draft.name}
              placeholder={settings.computerGitUserName}
              onChange={(e) => setDraft({ ...draft, name: e.target.value })}
            />
          )}
        </Field>
        <Field label={words.git.email} error={emailError}>
          {(props) => (
            <Input
              {...props}
              value={draft.email}
              placeholder={settings.computerGitUserEmail}
              onChange={(e) => setDraft({ ...draft, email: e.target.value })}
            />
          )}
        </Field>
      </div>
      <div className="flex items-center gap-4">
        <p className="min-w-0 flex-1 text-sm text-muted">{computer === "" ? words.git.noComputer : words.git.fromComputer(computer)}</p>
        <Button type="submit" disabledReason={notNow}>
          {words.save}
        </Button>
      </div>
    </form>
  );
}

type RestAfter = "machineIdleMinutes" | "machineUnusedMinutes";

function IdleSetting({ settings, onSaved }: FormProps) {
  const { clients, toasts } = useApp();
  const { settings: words } = useStrings();
  const label = (n: number): string => (n === 0 ? words.idle.never : n % 60 === 0 ? words.idle.hours(n / 60) : words.idle.minutes(n));
  const change = async (name: RestAfter, minutes: number): Promise<void> => {
    try {
      const answer = await clients.settings.updateSettings({ [name]: minutes });
      if (answer.settings !== undefined) onSaved(answer.settings);
    } catch (error) {
      toasts.failed(error);
    }
  };
  const select = (name: RestAfter, title: string) => {
    const minutes = settings.settings?.[name] ?? 0;
    // A value set elsewhere, e.g. by hand, is shown too.
    const choices = idleChoices.some((choice) => choice === minutes) ? idleChoices : [minutes, ...idleChoices];
    return (
      <SelectSetting
        label={title}
        value={String(minutes)}
        options={choices.map((n) => ({ value: String(n), label: label(n) }))}
        onChange={(value) => void change(name, Number(value))}
      />
    );
  };
  return (
    <SettingList>
      {select("machineIdleMinutes", words.idle.label)}
      {select("machineUnusedMinutes", words.idle.unusedLabel)}
    </SettingList>
  );
}
