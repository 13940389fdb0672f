import { timestampMs } from "@bufbuild/protobuf/wkt";
import { ChevronDown, ChevronRight, Globe } from "lucide-react";
import { useState } from "react";
import { type Context, Context_State, type ListRemoteEnvironmentsResponse } from "../../contract/gen/berth/v1/context_pb.js";
import type { Editor } from "../../contract/gen/gitpod/v1/editor_pb.js";
import { useFormats, useNow, useStrings } from "../app/context.ts";
import { Badge } from "../ui/badge.tsx";
import { ErrorState, Skeleton } from "../ui/states.tsx";
import { ChangeNotices } from "./change-notices.tsx";
import { ContextState } from "./context-state.tsx";
import { RemoteQuestions } from "./remote-dialogs.tsx";
import { type RemoteQuestion, RemoteRow } from "./remote-row.tsx";
import { useContexts, useRemoteEnvironments } from "./use-contexts.ts";
import { useRemoteActions } from "./use-remote-actions.ts";

const agoTickMs = 30_000;
/** More are found by searching. */
const maxShown = 200;

/** The environments of planes that somebody is signed in to, a group for each; nothing where there is none. */
export function RemoteEnvironments({
  search,
  editors,
  className,
}: {
  readonly search: string;
  /** The person's own first; empty until they are known. */
  readonly editors: readonly Editor[];
  readonly className: string;
}) {
  const { value } = useContexts();
  const signedIn = (value ?? []).filter(({ state }) => state !== Context_State.SIGNED_OUT);
  if (signedIn.length === 0) return null;
  return (
    <div className={className}>
      {signedIn.map((context) => (
        <RemoteGroup key={context.contextId} context={context} search={search} editors={editors} />
      ))}
    </div>
  );
}

interface GroupProps {
  readonly context: Context;
  readonly search: string;
  readonly editors: readonly Editor[];
}

function RemoteGroup({ context, search, editors }: GroupProps) {
  const { environments } = useStrings();
  const words = environments.remote;
  const [open, setOpen] = useState(true);
  const { value, error, reload } = useRemoteEnvironments(context.contextId);
  const Chevron = open ? ChevronDown : ChevronRight;
  return (
    <section aria-label={words.region(context.name)}>
      <div className="flex min-h-9 items-center gap-3 border-b bg-sunken px-4">
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className="flex min-h-7 min-w-0 items-center gap-2 rounded-md px-1 font-medium hover:bg-hover"
        >
          <Chevron size={14} aria-hidden />
          <Globe size={14} aria-hidden className="text-muted" />
          <span className="truncate">{context.name}</span>
          {value === undefined ? null : <span className="text-muted tabular-nums">{value.environments.length}</span>}
        </button>
        <Badge>{words.mark}</Badge>
        <span className="min-w-0 flex-1 truncate text-sm text-muted">{context.organizationName}</span>
        <span className="text-sm">
          <ContextState context={value?.context ?? context} />
        </span>
      </div>
      {!open ? null : (
        <>
          {error === undefined ? null : (
            <div className="p-3">
              <ErrorState error={error} compact />
            </div>
          )}
          {value !== undefined ? (
            <RemoteRows context={context} known={value} search={search} editors={editors} reload={reload} />
          ) : error === undefined ? (
            <Skeleton className="m-3 h-9" />
          ) : null}
        </>
      )}
    </section>
  );
}

function RemoteRows({
  context,
  known,
  search,
  editors,
  reload,
}: GroupProps & {
  readonly known: ListRemoteEnvironmentsResponse;
  readonly reload: () => void;
}) {
  const actions = useRemoteActions(context.contextId, reload);
  const [question, setQuestion] = useState<RemoteQuestion | undefined>();
  const wanted = search.trim().toLowerCase();
  const shown = known.environments.filter(({ name, branch, source }) => `${name} ${branch} ${source}`.toLowerCase().includes(wanted));
  return (
    <>
      <Summary known={known} shown={shown.length} />
      <ChangeNotices known={known} actions={actions} ask={setQuestion} />
      <ul className="divide-y">
        {shown.slice(0, maxShown).map((environment) => (
          <RemoteRow
            key={environment.environmentId}
            contextId={context.contextId}
            environment={environment}
            editors={editors}
            waiting={known.waiting.filter(({ environmentId }) => environmentId === environment.environmentId)}
            actions={actions}
            ask={setQuestion}
          />
        ))}
      </ul>
      <RemoteQuestions question={question} context={context} actions={actions} onClose={() => setQuestion(undefined)} />
    </>
  );
}

/** What is to be known of the list as a whole; nothing where it speaks for itself. */
function Summary({ known, shown }: { readonly known: ListRemoteEnvironmentsResponse; readonly shown: number }) {
  const { environments } = useStrings();
  const words = environments.remote;
  const formats = useFormats();
  const nowMs = useNow(agoTickMs);
  const { environments: all, context, knownAt, truncated } = known;
  const isOffline = context?.state === Context_State.OFFLINE && knownAt !== undefined;
  const note = context?.state === Context_State.SIGNED_IN ? context.detail : "";
  const said = [
    note,
    isOffline ? words.offline(formats.ago(timestampMs(knownAt), nowMs)) : "",
    all.length === 0 ? words.none : shown === 0 ? words.noMatch : "",
    truncated || shown > maxShown ? words.truncated : "",
  ].filter((text) => text !== "");
  return said.length === 0 ? null : <p className="px-4 py-2 text-sm text-muted">{said.join(" ")}</p>;
}
