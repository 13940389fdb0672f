import { Clock, Ellipsis, Info, Pencil, Play, Square, Trash2, Undo2 } from "lucide-react";
import { type RemoteEnvironment, type WaitingChange, WaitingChange_Kind as Kind } from "../../contract/gen/berth/v1/context_pb.js";
import { useStrings } from "../app/context.ts";
import { StateLabel } from "../environments/state-label.tsx";
import { Badge } from "../ui/badge.tsx";
import { Button, IconButton } from "../ui/button.tsx";
import { Menu, type MenuEntry } from "../ui/menu.tsx";
import { ErrorState } from "../ui/states.tsx";
import { remoteState, whyRemoteCannot } from "./remote-state.ts";
import type { RemoteActions } from "./use-remote-actions.ts";

/** A dialog about one environment of a plane. */
export interface RemoteQuestion {
  readonly kind: "details" | "rename" | "delete";
  readonly environment: RemoteEnvironment;
}

interface RemoteRowProps {
  readonly environment: RemoteEnvironment;
  /** Of this environment. */
  readonly waiting: readonly WaitingChange[];
  readonly actions: RemoteActions;
  readonly ask: (question: RemoteQuestion) => void;
}

/** One environment of a plane: how it stands, what waits for the plane, and what can be done. */
export function RemoteRow({ environment, waiting, actions, ask }: RemoteRowProps) {
  const { environments, shell } = useStrings();
  const { name, branch, changedFiles, unpushedCommits, source, environmentId, failures } = environment;
  const state = remoteState(environment);
  const work = [
    changedFiles === 0 ? "" : environments.changed(changedFiles),
    unpushedCommits === 0 ? "" : environments.unpushed(unpushedCommits),
  ].filter((text) => text !== "");
  const failure = actions.failure?.environmentId === environmentId ? actions.failure.error : undefined;
  return (
    <li className="px-4 py-1">
      <div className="flex min-h-9 items-center gap-3">
        <span className="flex min-w-0 flex-1 flex-col">
          <button
            type="button"
            className="w-fit max-w-full truncate text-left font-medium hover:underline"
            onClick={() => ask({ kind: "details", environment })}
          >
            {name}
          </button>
          <span className="truncate text-sm text-muted">{source}</span>
        </span>
        <span className="w-44 shrink-0">
          {state === undefined ? (
            environments.remote.phaseUnknown
          ) : (
            <StateLabel row={{ state, step: undefined, failure: failures[0] ?? "" }} />
          )}
        </span>
        <span className="w-32 truncate text-sm text-muted">{branch}</span>
        <span className="w-44 truncate text-sm text-muted">{work.join(", ")}</span>
        <span className="flex w-16 shrink-0 justify-end">
          <MainButton environment={environment} waiting={waiting} actions={actions} />
          <RemoteMenu environment={environment} waiting={waiting} actions={actions} ask={ask} />
        </span>
      </div>
      <Waiting waiting={waiting} actions={actions} />
      {failure === undefined ? null : (
        <div className="py-2">
          <ErrorState error={failure} compact actions={<Button onClick={actions.forgetFailure}>{shell.close}</Button>} />
        </div>
      )}
    </li>
  );
}

/** What the plane will be told when it is back, each to be taken back. */
function Waiting({ waiting, actions }: Pick<RemoteRowProps, "waiting" | "actions">) {
  const { environments } = useStrings();
  const words = environments.remote;
  const plain = waiting.filter(({ needsConfirmation }) => !needsConfirmation);
  if (plain.length === 0) return null;
  return (
    <ul className="flex flex-wrap gap-x-4 gap-y-1 pb-1">
      {plain.map((change) => (
        <li key={change.changeId} className="flex items-center gap-1.5 text-sm">
          <Badge tone="accent">
            <Clock size={12} aria-hidden />
            {waitingText(change, words)}
          </Badge>
          <Button
            kind="quiet"
            icon={Undo2}
            className="h-6 px-1.5 text-sm"
            aria-label={`${words.takeBack}: ${waitingText(change, words)}`}
            onClick={() => actions.takeBack(change.changeId)}
          >
            {words.takeBack}
          </Button>
        </li>
      ))}
    </ul>
  );
}

function waitingText({ kind, newName }: WaitingChange, { waiting }: ReturnType<typeof useStrings>["environments"]["remote"]): string {
  switch (kind) {
    case Kind.START:
      return waiting.start;
    case Kind.STOP:
      return waiting.stop;
    case Kind.DELETE:
      return waiting.delete;
    case Kind.RENAME:
      return waiting.rename(newName);
    case Kind.UNSPECIFIED:
      return "";
  }
}

function useWhyNot({ environment, waiting }: Pick<RemoteRowProps, "environment" | "waiting">) {
  const { environments } = useStrings();
  return (action: "start" | "stop" | "rename" | "delete"): string | undefined => {
    const reason = whyRemoteCannot(action, environment, waiting);
    if (reason === undefined) return undefined;
    if (reason === "waits") return environments.remote.waits;
    return reason === "deletion-waits" ? environments.remote.deletionWaits : environments.whyNot[reason];
  };
}

/** The one thing a person wants of what does not run. */
function MainButton({ environment, waiting, actions }: Omit<RemoteRowProps, "ask">) {
  const { environments } = useStrings();
  if (useWhyNot({ environment, waiting })("start") !== undefined) return null;
  return (
    <IconButton
      icon={Play}
      label={environments.onOne(environments.actions.start, environment.name)}
      onClick={() => actions.start(environment.environmentId)}
    />
  );
}

/** Everything that can be done with one environment of a plane. */
function RemoteMenu({ environment, waiting, actions, ask }: RemoteRowProps) {
  const { environments } = useStrings();
  const words = environments.actions;
  const whyNot = useWhyNot({ environment, waiting });
  const { environmentId } = environment;
  const entry = (id: "start" | "stop" | "rename" | "delete", rest: Omit<MenuEntry, "id" | "label" | "disabledReason">): MenuEntry => ({
    id,
    label: words[id],
    disabledReason: whyNot(id),
    ...rest,
  });
  return (
    <Menu
      trigger={<IconButton icon={Ellipsis} label={environments.moreActions(environment.name)} />}
      groups={[
        {
          entries: [
            entry("start", { icon: Play, onSelect: () => actions.start(environmentId) }),
            entry("stop", { icon: Square, onSelect: () => actions.stop(environmentId) }),
          ],
        },
        {
          entries: [
            { id: "details", label: environments.remote.details, icon: Info, onSelect: () => ask({ kind: "details", environment }) },
            entry("rename", { icon: Pencil, onSelect: () => ask({ kind: "rename", environment }) }),
            entry("delete", { icon: Trash2, danger: true, onSelect: () => ask({ kind: "delete", environment }) }),
          ],
        },
      ]}
    />
  );
}
