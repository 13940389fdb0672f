import { Check, Trash2 } from "lucide-react";
import { useRef, useState } from "react";
import { useApp, useAppState, useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Field, Input } from "../../ui/input.tsx";
import { Section } from "../../ui/section.tsx";
import { isOnSharedMachine, type MachineActs } from "./machine-actions.ts";
import { typedNames } from "./typed-names.ts";

/** The way to begin anew, which loses everything. */
export function ResetSection({ acts }: { readonly acts: MachineActs }) {
  const { machine: words } = useStrings();
  const [open, setOpen] = useState(false);
  const online = useAppState((s) => s.connection === "online");
  const blocked = !online ? words.notOffline : acts.doing === undefined ? undefined : words.waitForIt;
  return (
    <Section
      title={words.reset.heading}
      description={words.reset.description}
      className="rounded-md border border-danger p-4"
      actions={
        <Button icon={Trash2} kind="danger" onClick={() => setOpen(true)} disabledReason={blocked}>
          {words.reset.open}
        </Button>
      }
    >
      {open ? <ResetDialog acts={acts} onClose={() => setOpen(false)} /> : null}
    </Section>
  );
}

function ResetDialog({ acts, onClose }: { readonly acts: MachineActs; readonly onClose: () => void }) {
  const { clients, toasts } = useApp();
  const { machine: words, shell } = useStrings();
  const environments = useAppState((s) => [...s.environments.values()].filter(isOnSharedMachine));
  const [text, setText] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const rows: readonly LossRow[] = environments.map(({ id, environment: { metadata, status } }) => ({
    id,
    name: metadata?.name ?? "",
    changed: status?.content?.git?.totalChangedFiles ?? 0,
    unpushed: status?.content?.git?.totalUnpushedCommits ?? 0,
  }));
  const names = rows.map((row) => row.name);
  const typed = typedNames(text, names);
  const missing = names.filter((name) => !typed.has(name)).length;
  const agreed = names.length === 0 ? text.trim() === words.reset.word : missing === 0;
  const submit = (): void => {
    if (!agreed) return;
    onClose();
    void acts.run("reset", async () => {
      await clients.host.resetMachine({ confirmEnvironmentNames: [...typed] });
      toasts.info(words.reset.done);
    });
  };
  const notYet = names.length === 0 ? words.reset.typeReset(words.reset.word) : words.reset.missing(missing);
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.reset.title}
      description={names.length === 0 ? words.reset.detailEmpty : words.reset.detail}
      initialFocus={input}
      footer={
        <>
          <Button onClick={onClose}>{shell.cancel}</Button>
          <Button kind="danger" onClick={submit} disabledReason={agreed ? undefined : notYet}>
            {words.reset.submit}
          </Button>
        </>
      }
    >
      <LossList rows={rows} typed={typed} />
      <Field
        label={names.length === 0 ? words.reset.typeReset(words.reset.word) : words.reset.names(names.length)}
        hint={agreed ? "" : names.length === 0 ? "" : words.reset.missing(missing)}
      >
        {({ invalid: _invalid, ...props }) => (
          <Input
            {...props}
            ref={input}
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={(event) => event.key === "Enter" && submit()}
          />
        )}
      </Field>
    </Dialog>
  );
}

interface LossRow {
  readonly id: string;
  readonly name: string;
  readonly changed: number;
  readonly unpushed: number;
}

/** What would be lost, and which of it was typed already. */
function LossList({ rows, typed }: { readonly rows: readonly LossRow[]; readonly typed: ReadonlySet<string> }) {
  const { machine: words } = useStrings();
  if (rows.length === 0) return null;
  return (
    <ul className="max-h-60 overflow-y-auto rounded-md border bg-sunken px-3 py-2">
      {rows.map((row) => (
        <li key={row.id} className="flex items-center gap-2 py-0.5">
          <span className="min-w-0 truncate font-mono text-sm select-text">{row.name}</span>
          {row.changed + row.unpushed === 0 ? null : (
            <span className="text-sm text-warn">{words.reset.unpushed(row.changed, row.unpushed)}</span>
          )}
          <span className="flex-1" />
          {typed.has(row.name) ? <Check size={14} aria-label={words.reset.named} className="text-ok" /> : null}
        </li>
      ))}
    </ul>
  );
}
