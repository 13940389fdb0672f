import { RefreshCw, Trash2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useApp, useStrings } from "../../../app/context.ts";
import { fromConnectError } from "../../../../contract/connect-error.ts";
import type { EnvironmentRow } from "../../../environments/environment-row.ts";
import { type Question, useActions, useWhyNot } from "../../../environments/row-menu.tsx";
import { Button } from "../../../ui/button.tsx";
import { Field, Input } from "../../../ui/input.tsx";
import { SharedFolders } from "./shared-folders.tsx";
import { Select } from "../../../ui/select.tsx";

/** What can be changed of an environment. */
export function SettingsTab({ row, ask }: { readonly row: EnvironmentRow; readonly ask: (question: Question) => void }) {
  const { environment, environments } = useStrings();
  const words = environment.settings;
  return (
    <div className="flex max-w-160 flex-col gap-6 p-4">
      <Rename key={row.name} row={row} />
      <Devcontainer row={row} />
      <SharedFolders environmentId={row.id} />
      <Section title={words.rebuild} detail={words.rebuildDetail}>
        <RebuildButton row={row} ask={ask} />
      </Section>
      <Section title={words.deleteTitle} detail={words.deleteDetail}>
        <Button kind="danger" icon={Trash2} className="self-start" onClick={() => ask({ kind: "delete", rows: [row] })}>
          {environments.actions.delete}
        </Button>
      </Section>
    </div>
  );
}

function Section({ title, detail, children }: { readonly title: string; readonly detail: string; readonly children: ReactNode }) {
  return (
    <section className="flex flex-col gap-2">
      <h2 className="text-lg font-semibold">{title}</h2>
      <p className="text-muted">{detail}</p>
      {children}
    </section>
  );
}

function RebuildButton({ row, ask }: { readonly row: EnvironmentRow; readonly ask: (question: Question) => void }) {
  const { environments } = useStrings();
  const whyNot = useWhyNot();
  return (
    <Button icon={RefreshCw} className="self-start" disabledReason={whyNot("rebuild", row)} onClick={() => ask({ kind: "rebuild", row })}>
      {environments.actions.rebuild}
    </Button>
  );
}

function Rename({ row }: { readonly row: EnvironmentRow }) {
  const { environments, environment } = useStrings();
  const { toasts } = useApp();
  const actions = useActions();
  const [name, setName] = useState(row.name);
  const [error, setError] = useState<string | undefined>();
  const submit = async (): Promise<void> => {
    try {
      await actions.rename(row.id, name.trim());
      setError(undefined);
      toasts.info(environment.saved);
    } catch (failure) {
      setError(fromConnectError(failure).detail);
    }
  };
  return (
    <form
      className="flex items-start gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <div className="flex-1">
        <Field label={environments.rename.label} hint={environments.rename.hint} error={error}>
          {(props) => <Input {...props} value={name} onChange={(event) => setName(event.target.value)} />}
        </Field>
      </div>
      <Button type="submit" className="mt-6" disabledReason={name.trim() === row.name ? environment.settings.unchanged : undefined}>
        {environment.save}
      </Button>
    </form>
  );
}

function Devcontainer({ row }: { readonly row: EnvironmentRow }) {
  const { environment } = useStrings();
  const words = environment.settings;
  const actions = useActions();
  const whyNot = useWhyNot();
  const used = row.view.environment.status?.devcontainer?.devcontainerFilePath ?? "";
  const paths = [...new Set([...(row.view.details?.devcontainerFilePaths ?? []), ...(used === "" ? [] : [used])])];
  const [chosen, setChosen] = useState(used);
  if (paths.length === 0)
    return (
      <Section title={words.devcontainer} detail={words.noDevcontainer}>
        {null}
      </Section>
    );
  return (
    <Section title={words.devcontainer} detail={words.devcontainerDetail}>
      <div className="flex gap-2">
        <Select
          label={words.devcontainer}
          value={chosen === "" ? (paths[0] ?? "") : chosen}
          options={paths.map((value) => ({ value, label: value }))}
          onChange={setChosen}
          className="min-w-80"
        />
        <Button
          disabledReason={whyNot("rebuild", row) ?? (chosen === used || chosen === "" ? words.unchanged : undefined)}
          onClick={() => void actions.rebuild(row.id, { devcontainerFilePath: chosen })}
        >
          {words.useIt}
        </Button>
      </div>
    </Section>
  );
}
