import { RefreshCw, X } from "lucide-react";
import { useCallback } from "react";
import { type Sync, Sync_State } from "../../../../contract/gen/berth/v1/sync_pb.js";
import { useApp, useStrings } from "../../../app/context.ts";
import { usePolledCall } from "../../../api/use-polled-call.ts";
import { Button, IconButton } from "../../../ui/button.tsx";
import { Section } from "../../../ui/section.tsx";

const intervalMs = 3000;
const maxProblems = 5;

/** Folders of this computer that are kept the same as the environment's; nothing where there are none. */
export function SyncedFolders({ environmentId }: { readonly environmentId: string }) {
  const { clients, toasts } = useApp();
  const words = useStrings().environment.sync;
  const ask = useCallback(async (signal: AbortSignal) => clients.syncs.listSyncs({}, { signal }), [clients]);
  const { value, reload } = usePolledCall(ask, intervalMs);
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
            <SyncState sync={sync} />
            <Question sync={sync} onAccept={(accepted) => run(clients.syncs.resumeSync({ syncId: sync.syncId, ...accepted }))} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

interface Accepted {
  readonly acceptDeletes: boolean;
  readonly acceptConflicts: boolean;
}

/** What is done only when the person says so. */
function Question({ sync, onAccept }: { readonly sync: Sync; readonly onAccept: (accepted: Accepted) => void }) {
  const words = useStrings().environment.sync;
  const acceptDeletes = sync.halt === "deletes";
  const acceptConflicts = sync.halt === "conflicts";
  if (!acceptDeletes && !acceptConflicts) return null;
  return (
    <Button className="self-start" onClick={() => onAccept({ acceptDeletes, acceptConflicts })}>
      {acceptDeletes ? words.acceptDeletes : words.acceptConflicts}
    </Button>
  );
}

function SyncState({ sync }: { readonly sync: Sync }) {
  const words = useStrings().environment.sync;
  const halt = Object.entries(words.halts).find(([reason]) => reason === sync.halt)?.[1];
  const more = sync.totalConflicts - sync.conflicts.length;
  const problems = sync.problems.slice(0, maxProblems);
  const moreProblems = sync.totalProblems - problems.length;
  return (
    <div className="flex flex-col gap-1 text-sm text-muted" role="status">
      <p>
        {stateText(sync, words.states)} · {words.files(sync.files)}
      </p>
      {halt === undefined ? null : <p className="text-fg">{halt}</p>}
      {sync.conflicts.map(({ path, keptAs }) => (
        <p key={keptAs} className="break-words select-text">
          <span className="text-fg">{path}</span>: {words.conflict(keptAs)}
        </p>
      ))}
      {more > 0 ? <p>{words.moreConflicts(more)}</p> : null}
      {problems.map(({ path, local }) => (
        <p key={`${local} ${path}`} className="break-words select-text">
          {words.problem(path)}
        </p>
      ))}
      {moreProblems > 0 ? <p>{words.moreProblems(moreProblems)}</p> : null}
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
