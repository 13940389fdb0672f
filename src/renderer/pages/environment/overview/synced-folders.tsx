import { RefreshCw, X } from "lucide-react";
import { useCallback, useEffect } from "react";
import { type Sync, Sync_State } from "../../../../contract/gen/berth/v1/sync_pb.js";
import { useApp, useStrings } from "../../../app/context.ts";
import { useCall } from "../../../api/use-call.ts";
import { Button, IconButton } from "../../../ui/button.tsx";
import { Section } from "../../../ui/section.tsx";

const intervalMs = 3000;

/** Folders of this computer that are kept the same as the environment's; nothing where there are none. */
export function SyncedFolders({ environmentId }: { readonly environmentId: string }) {
  const { clients, toasts } = useApp();
  const words = useStrings().environment.sync;
  const ask = useCallback(async (signal: AbortSignal) => clients.syncs.listSyncs({}, { signal }), [clients]);
  const { value, reload } = useCall(ask);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) reload();
    }, intervalMs);
    return () => clearInterval(timer);
  }, [reload]);
  const mine = (value?.syncs ?? []).filter((sync) => sync.environmentId === environmentId);
  if (mine.length === 0) return null;
  const run = (call: Promise<unknown>): void => void call.then(reload, (failure: unknown) => void toasts.failed(failure));
  return (
    <Section title={words.title}>
      <ul className="divide-y rounded-md border">
        {mine.map((sync) => (
          <li key={sync.syncId} className="flex flex-col gap-1 px-3 py-1.5">
            <div className="flex items-center gap-2">
              <code className="min-w-0 flex-1 truncate font-mono text-sm select-text">
                {sync.path === "" ? sync.localFolder : `${sync.localFolder} ↔ ${sync.path}`}
              </code>
              <IconButton
                icon={RefreshCw}
                label={`${words.now}: ${sync.localFolder}`}
                onClick={() => run(clients.syncs.syncNow({ syncId: sync.syncId }))}
              />
              <IconButton
                icon={X}
                label={`${words.stop}: ${sync.localFolder}`}
                onClick={() => run(clients.syncs.stopSync({ syncId: sync.syncId }))}
              />
            </div>
            <SyncState sync={sync} onAccept={() => run(clients.syncs.resumeSync({ syncId: sync.syncId, acceptDeletes: true }))} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function SyncState({ sync, onAccept }: { readonly sync: Sync; readonly onAccept: () => void }) {
  const words = useStrings().environment.sync;
  const halt = Object.entries(words.halts).find(([reason]) => reason === sync.halt)?.[1];
  const more = sync.totalConflicts - sync.conflicts.length;
  return (
    <div className="flex flex-col gap-1 text-sm text-muted" role="status">
      <p>
        {stateText(sync, words.states)} · {words.files(sync.files)}
      </p>
      {halt === undefined ? null : <p className="text-fg">{halt}</p>}
      {sync.halt === "deletes" ? (
        <Button className="self-start" onClick={onAccept}>
          {words.acceptDeletes}
        </Button>
      ) : null}
      {sync.conflicts.map(({ path, keptAs }) => (
        <p key={keptAs} className="break-words select-text">
          <span className="text-fg">{path}</span>: {words.conflict(keptAs)}
        </p>
      ))}
      {more > 0 ? <p>{words.moreConflicts(more)}</p> : null}
      {sync.totalProblems > 0 ? <p>{words.problems(sync.totalProblems)}</p> : null}
    </div>
  );
}

type StateTexts = Readonly<Record<"inSync" | "syncing" | "waiting" | "halted" | "failing", string>>;

function stateText({ state }: Sync, texts: StateTexts): string {
  if (state === Sync_State.IN_SYNC) return texts.inSync;
  if (state === Sync_State.SYNCING) return texts.syncing;
  if (state === Sync_State.HALTED) return texts.halted;
  return state === Sync_State.FAILING ? texts.failing : texts.waiting;
}
