import { timestampMs } from "@bufbuild/protobuf/wkt";
import { ChevronDown, ChevronRight, Globe } from "lucide-react";
import { useState } from "react";
import {
  type Context,
  Context_State,
  type ListRemoteEnvironmentsResponse,
  type RemoteEnvironment,
} from "../../contract/gen/berth/v1/context_pb.js";
import { EnvironmentPhase } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { useFormats, useNow, useStrings } from "../app/context.ts";
import type { RowState } from "../environments/environment-row.ts";
import { StateLabel } from "../environments/state-label.tsx";
import { Badge } from "../ui/badge.tsx";
import { ErrorState, Skeleton } from "../ui/states.tsx";
import { ContextState } from "./context-state.tsx";
import { useContexts, useRemoteEnvironments } from "./use-contexts.ts";

const agoTickMs = 30_000;
/** More are found by searching. */
const maxShown = 200;

/** The environments of planes that somebody is signed in to, a group for each; nothing where there is none. */
export function RemoteEnvironments({ search, className }: { readonly search: string; readonly className: string }) {
  const { value } = useContexts();
  const signedIn = (value ?? []).filter(({ state }) => state !== Context_State.SIGNED_OUT);
  if (signedIn.length === 0) return null;
  return (
    <div className={className}>
      {signedIn.map((context) => (
        <RemoteGroup key={context.contextId} context={context} search={search} />
      ))}
    </div>
  );
}

function RemoteGroup({ context, search }: { readonly context: Context; readonly search: string }) {
  const { environments } = useStrings();
  const words = environments.remote;
  const [open, setOpen] = useState(true);
  const { value, error } = useRemoteEnvironments(context.contextId);
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
            <RemoteRows known={value} search={search} />
          ) : error === undefined ? (
            <Skeleton className="m-3 h-9" />
          ) : null}
        </>
      )}
    </section>
  );
}

function RemoteRows({ known, search }: { readonly known: ListRemoteEnvironmentsResponse; readonly search: string }) {
  const { environments } = useStrings();
  const words = environments.remote;
  const formats = useFormats();
  const nowMs = useNow(agoTickMs);
  const { environments: all, context, knownAt, truncated } = known;
  const wanted = search.trim().toLowerCase();
  const shown = all.filter(({ name, branch, source }) => `${name} ${branch} ${source}`.toLowerCase().includes(wanted));
  const isOffline = context?.state === Context_State.OFFLINE && knownAt !== undefined;
  const note = context?.state === Context_State.SIGNED_IN ? context.detail : "";
  return (
    <>
      {note === "" ? null : <p className="px-4 pt-2 text-sm break-words select-text">{note}</p>}
      <p className="px-4 py-2 text-sm text-muted">
        {isOffline ? `${words.offline(formats.ago(timestampMs(knownAt), nowMs))} ` : null}
        {all.length === 0 ? words.none : shown.length === 0 ? words.noMatch : words.notYet}
        {truncated || shown.length > maxShown ? ` ${words.truncated}` : null}
      </p>
      <ul className="divide-y">
        {shown.slice(0, maxShown).map((environment) => (
          <RemoteRow key={environment.environmentId} environment={environment} />
        ))}
      </ul>
    </>
  );
}

const states: Readonly<Record<EnvironmentPhase, RowState | undefined>> = {
  [EnvironmentPhase.UNSPECIFIED]: undefined,
  [EnvironmentPhase.CREATING]: "starting",
  [EnvironmentPhase.STARTING]: "starting",
  [EnvironmentPhase.RUNNING]: "running",
  [EnvironmentPhase.UPDATING]: "starting",
  [EnvironmentPhase.STOPPING]: "stopping",
  [EnvironmentPhase.STOPPED]: "stopped",
  [EnvironmentPhase.DELETING]: "deleting",
  [EnvironmentPhase.DELETED]: "deleting",
};

function RemoteRow({ environment }: { readonly environment: RemoteEnvironment }) {
  const { environments } = useStrings();
  const { name, branch, changedFiles, unpushedCommits, source, phase } = environment;
  const state = states[phase];
  const work = [
    changedFiles === 0 ? "" : environments.changed(changedFiles),
    unpushedCommits === 0 ? "" : environments.unpushed(unpushedCommits),
  ].filter((text) => text !== "");
  return (
    <li className="flex min-h-11 items-center gap-3 px-4 py-1">
      <span className="flex min-w-0 flex-1 flex-col">
        <span className="truncate font-medium select-text">{name}</span>
        <span className="truncate text-sm text-muted">{source}</span>
      </span>
      <span className="w-36 shrink-0">
        {state === undefined ? environments.remote.phaseUnknown : <StateLabel row={{ state, step: undefined, failure: "" }} />}
      </span>
      <span className="w-40 truncate text-sm text-muted">{branch}</span>
      <span className="w-48 truncate text-sm text-muted">{work.join(", ")}</span>
    </li>
  );
}
