import { useId, useRef, useState } from "react";
import { useStrings } from "../app/context.ts";
import { Button } from "../ui/button.tsx";
import { Checkbox } from "../ui/checkbox.tsx";
import { Dialog } from "../ui/dialog.tsx";
import type { EnvironmentRow } from "./environment-row.ts";
import { useActions } from "./row-menu.tsx";

const maxNamed = 8;

/** Asks before deleting, and names what would be lost; that has to be agreed to, not only clicked through. */
export function DeleteDialog({
  rows,
  onClose,
  onDeleted,
}: {
  readonly rows: readonly EnvironmentRow[];
  readonly onClose: () => void;
  readonly onDeleted: () => void;
}) {
  const { environments, shell } = useStrings();
  const words = environments.delete;
  const actions = useActions();
  const [agreed, setAgreed] = useState(false);
  const cancel = useRef<HTMLButtonElement>(null);
  const id = useId();
  const losing = rows.filter((row) => row.changed + row.unpushed > 0 || isUnknown(row));
  const mayDelete = losing.length === 0 || agreed;
  const one = rows.length === 1 ? rows[0] : undefined;
  const run = (): void => {
    onClose();
    onDeleted();
    void actions.delete(rows.map((row) => row.id));
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={one === undefined ? words.titleMany(rows.length) : words.titleOne(one.name)}
      description={
        losing.length > 0 ? words.lost : one === undefined ? words.nothingLostMany : isThere(one) ? words.nothingLost : words.nothingThere
      }
      initialFocus={cancel}
      footer={
        <>
          <Button ref={cancel} onClick={onClose}>
            {shell.cancel}
          </Button>
          <Button kind="danger" onClick={run} disabledReason={mayDelete ? undefined : words.mustAgree}>
            {words.submit}
          </Button>
        </>
      }
    >
      {losing.length === 0 ? null : (
        <>
          <ul className="flex max-h-72 flex-col gap-3 overflow-y-auto rounded-md border bg-sunken p-3">
            {losing.map((row) => (
              <li key={row.id}>
                <Loss row={row} named={rows.length > 1} />
              </li>
            ))}
          </ul>
          <label htmlFor={id} className="flex items-center gap-2">
            <Checkbox id={id} checked={agreed} onToggle={setAgreed} />
            {words.confirm}
          </label>
        </>
      )}
    </Dialog>
  );
}

function isThere(row: EnvironmentRow): boolean {
  return row.view.environment.status?.content?.git !== undefined;
}

/** Nothing of its git state was ever seen, but a working copy may be there. */
function isUnknown(row: EnvironmentRow): boolean {
  const content = row.view.environment.status?.content;
  return content?.git === undefined && (content?.contentLocationInMachine ?? "") !== "";
}

function Loss({ row, named }: { readonly row: EnvironmentRow; readonly named: boolean }) {
  const { environments } = useStrings();
  const words = environments.delete;
  const git = row.view.environment.status?.content?.git;
  return (
    <>
      {named ? <p className="font-medium">{row.name}</p> : null}
      {git === undefined ? <p>{words.unknown}</p> : null}
      <NamedList title={environments.changed(row.changed)} total={row.changed} names={(git?.changedFiles ?? []).map((file) => file.path)} />
      <NamedList title={environments.unpushed(row.unpushed)} total={row.unpushed} names={git?.unpushedCommits ?? []} />
      {row.state === "stopped" ? <p className="text-sm text-muted">{words.lastSeen}</p> : null}
    </>
  );
}

function NamedList({ title, total, names }: { readonly title: string; readonly total: number; readonly names: readonly string[] }) {
  const { environments } = useStrings();
  if (total === 0) return null;
  const more = total - Math.min(names.length, maxNamed);
  return (
    <div>
      <p>{title}</p>
      <ul className="pl-3 font-mono text-sm text-muted">
        {names.slice(0, maxNamed).map((name) => (
          <li key={name} className="truncate">
            {name}
          </li>
        ))}
        {more > 0 ? <li className="font-sans">{environments.delete.more(more)}</li> : null}
      </ul>
    </div>
  );
}
