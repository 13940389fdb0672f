import { useEffect, useId, useRef, useState } from "react";
import type { UnsavedWork } from "../../contract/gen/berth/v1/host_pb.js";
import { useApp, useAppState, useStrings } from "../app/context.ts";
import { Button } from "../ui/button.tsx";
import { Checkbox } from "../ui/checkbox.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { type EnvironmentRow, rowOf } from "./environment-row.ts";
import { useActions } from "./row-menu.tsx";

const maxNamed = 8;
/** Then what was seen last is shown, and has to be agreed to. */
const lookTimeoutMs = 20_000;

/** What a look at git found just now; `failed` when it could not be looked at. */
type Look = "looking" | "failed" | ReadonlyMap<string, UnsavedWork>;

/** Looks at git anew, once: what the list shows may be some seconds old. */
function useLook(rows: readonly EnvironmentRow[]): Look {
  const { clients } = useApp();
  const [look, setLook] = useState<Look>("looking");
  const ids = useRef(rows.map((row) => row.id));
  useEffect(() => {
    const abort = new AbortController();
    void clients.workspaces
      .refreshGitState({ environmentIds: ids.current }, { signal: abort.signal, timeoutMs: lookTimeoutMs })
      .then(({ environments }) => new Map(environments.map((e) => [e.environmentId, e])))
      .catch(() => "failed" as const)
      .then((found) => (abort.signal.aborted ? undefined : setLook(found)));
    return () => abort.abort();
  }, [clients]);
  return look;
}

/** As they are now: what the look finds is told here. */
function useRowsNow(asked: readonly EnvironmentRow[]): EnvironmentRow[] {
  const views = useAppState((state) => asked.map((row) => state.environments.get(row.id)));
  return asked.map((row, index) => {
    const view = views[index];
    return view === undefined ? row : rowOf(view);
  });
}

/** Work is lost, or may be. */
function isLosing(row: EnvironmentRow, look: Look): boolean {
  const found = typeof look === "string" ? undefined : look.get(row.id);
  const foundWork = found !== undefined && (!found.known || found.changedFiles + found.unpushedCommits > 0);
  return foundWork || row.changed + row.unpushed > 0 || isUnknown(row) || (look === "failed" && isThere(row));
}

/** Asks before deleting, and names what would be lost; that has to be agreed to, not only clicked through. */
export function DeleteDialog({
  rows: asked,
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
  const rows = useRowsNow(asked);
  const look = useLook(asked);
  const losing = rows.filter((row) => isLosing(row, look));
  const blocked = look === "looking" ? words.looking : losing.length === 0 || agreed ? undefined : words.mustAgree;
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
        losing.length > 0
          ? words.lost
          : look === "looking"
            ? words.looking
            : one === undefined
              ? words.nothingLostMany
              : isThere(one)
                ? words.nothingLost
                : words.nothingThere
      }
      initialFocus={cancel}
      footer={
        <>
          <Button ref={cancel} onClick={onClose}>
            {shell.cancel}
          </Button>
          <Button kind="danger" onClick={run} disabledReason={blocked}>
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
                <Loss row={row} named={rows.length > 1} failed={look === "failed"} />
              </li>
            ))}
          </ul>
          <Consent label={words.confirm} agreed={agreed} onToggle={setAgreed} />
        </>
      )}
    </Dialog>
  );
}

function Consent({
  label,
  agreed,
  onToggle,
}: {
  readonly label: string;
  readonly agreed: boolean;
  readonly onToggle: (agreed: boolean) => void;
}) {
  const id = useId();
  return (
    <label htmlFor={id} className="flex items-center gap-2">
      <Checkbox id={id} checked={agreed} onToggle={onToggle} />
      {label}
    </label>
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

function Loss({ row, named, failed }: { readonly row: EnvironmentRow; readonly named: boolean; readonly failed: boolean }) {
  const { environments } = useStrings();
  const words = environments.delete;
  const git = row.view.environment.status?.content?.git;
  return (
    <>
      {named ? <p className="font-medium">{row.name}</p> : null}
      {git === undefined ? <p>{words.unknown}</p> : null}
      <NamedList title={environments.changed(row.changed)} total={row.changed} names={(git?.changedFiles ?? []).map((file) => file.path)} />
      <NamedList title={environments.unpushed(row.unpushed)} total={row.unpushed} names={git?.unpushedCommits ?? []} />
      {failed ? <p className="text-sm text-muted">{words.notLooked}</p> : null}
      {!failed && row.state === "stopped" ? <p className="text-sm text-muted">{words.lastSeen}</p> : null}
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
