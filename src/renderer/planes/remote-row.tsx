import { Clock, Code, Copy, Ellipsis, Info, Pencil, Play, Square, Trash2, Undo2 } from "lucide-react";
import { type Ref, useRef } from "react";
import type { BerthError } from "../../contract/berth-error.ts";
import { type RemoteEnvironment, type WaitingChange, WaitingChange_Kind as Kind } from "../../contract/gen/berth/v1/context_pb.js";
import type { Editor } from "../../contract/gen/gitpod/v1/editor_pb.js";
import { useStrings } from "../app/context.ts";
import { StateLabel } from "../environments/state-label.tsx";
import { Badge, Dot } from "../ui/badge.tsx";
import { Button, IconButton } from "../ui/button.tsx";
import { Menu, type MenuEntry } from "../ui/menu.tsx";
import { ErrorState } from "../ui/states.tsx";
import { type RemoteAction, remoteState, whyRemoteCannot } from "./remote-state.ts";
import type { RemoteActions } from "./use-remote-actions.ts";
import { type RemoteOpen, useRemoteOpen } from "./use-remote-open.ts";

/** A dialog about one environment of a plane. */
export interface RemoteQuestion {
  readonly kind: "details" | "rename" | "delete";
  readonly environment: RemoteEnvironment;
}

interface RemoteRowProps {
  readonly contextId: string;
  readonly environment: RemoteEnvironment;
  /** The person's own first; empty until they are known. */
  readonly editors: readonly Editor[];
  /** Of this environment. */
  readonly waiting: readonly WaitingChange[];
  readonly actions: RemoteActions;
  readonly ask: (question: RemoteQuestion) => void;
}

/** One environment of a plane: how it stands, what waits for the plane, and what can be done. */
export function RemoteRow({ contextId, environment, editors, waiting, actions, ask }: RemoteRowProps) {
  const { environments } = useStrings();
  const { name, branch, changedFiles, unpushedCommits, source, environmentId, failures } = environment;
  const state = remoteState(environment);
  const work = [
    changedFiles === 0 ? "" : environments.changed(changedFiles),
    unpushedCommits === 0 ? "" : environments.unpushed(unpushedCommits),
  ].filter((text) => text !== "");
  const way = useRemoteOpen({ contextId, environmentId });
  const mainButton = useRef<HTMLButtonElement>(null);
  const parts = { environment, editors, waiting, actions, way };
  // Where it stood is gone then, and with it the focus.
  const leave = (): void => {
    way.cancel();
    mainButton.current?.focus();
  };
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
          <MainButton {...parts} ref={mainButton} />
          <RemoteMenu {...parts} ask={ask} />
        </span>
      </div>
      <Waiting waiting={waiting} actions={actions} />
      <Opening name={name} editor={way.opening} onCancel={leave} />
      {actions.failure?.environmentId !== environmentId ? null : <Failure error={actions.failure.error} onClose={actions.forgetFailure} />}
      {way.failure === undefined ? null : <Failure error={way.failure} onClose={leave} />}
    </li>
  );
}

/** Said where it happened, until it was read. */
function Failure({ error, onClose }: { readonly error: BerthError; readonly onClose: () => void }) {
  const { shell } = useStrings();
  return (
    <div className="py-2">
      <ErrorState error={error} compact actions={<Button onClick={onClose}>{shell.close}</Button>} />
    </div>
  );
}

/** What the editor waits for, which can take seconds, with a way out. */
function Opening({
  name,
  editor,
  onCancel,
}: {
  readonly name: string;
  /** Nothing is waited for where there is none. */
  readonly editor: string | undefined;
  readonly onCancel: () => void;
}) {
  const { environments, shell } = useStrings();
  return (
    <div role="status" className="flex items-center gap-2 text-sm text-muted">
      {editor === undefined ? null : (
        <>
          <Dot tone="accent" busy />
          <span className="min-w-0 truncate py-1">{environments.remote.opening(editor)}</span>
          <Button kind="quiet" className="h-6 px-1.5 text-sm" aria-label={environments.onOne(shell.cancel, name)} onClick={onCancel}>
            {shell.cancel}
          </Button>
        </>
      )}
    </div>
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
  return (action: RemoteAction): string | undefined => {
    const reason = whyRemoteCannot(action, environment, waiting);
    if (reason === undefined) return undefined;
    if (reason === "waits") return environments.remote.waits;
    return reason === "deletion-waits" ? environments.remote.deletionWaits : environments.whyNot[reason];
  };
}

type ButtonProps = Omit<RemoteRowProps, "contextId" | "ask"> & { readonly way: RemoteOpen };

/** The one thing a person wants: in where it runs, and else that it runs. */
function MainButton({
  environment,
  editors: [editor],
  waiting,
  actions,
  way,
  ref,
}: ButtonProps & { readonly ref: Ref<HTMLButtonElement> }) {
  const { environments } = useStrings();
  const whyNot = useWhyNot({ environment, waiting });
  if (whyNot("start") === undefined)
    return (
      <IconButton
        ref={ref}
        icon={Play}
        label={environments.onOne(environments.actions.start, environment.name)}
        onClick={() => actions.start(environment.environmentId)}
      />
    );
  if (editor === undefined || whyNot("connect-ssh") !== undefined) return null;
  return (
    <IconButton
      ref={ref}
      icon={Code}
      label={environments.onOne(environments.actions.openIn(editor.name), environment.name)}
      disabledReason={way.opening === undefined ? undefined : environments.remote.opening(way.opening)}
      onClick={() => way.open(editor)}
    />
  );
}

/** Everything that can be done with one environment of a plane. */
function RemoteMenu({ environment, editors, waiting, actions, way, ask }: ButtonProps & Pick<RemoteRowProps, "ask">) {
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
          label: words.openInHeading,
          entries: editors.map((editor) => ({
            id: editor.id,
            label: editor.name,
            disabledReason: whyNot("connect-ssh"),
            onSelect: () => way.open(editor),
          })),
        },
        {
          entries: [
            { id: "copy-ssh", label: words.copySsh, icon: Copy, disabledReason: whyNot("connect-ssh"), onSelect: way.copySsh },
            { id: "details", label: environments.remote.details, icon: Info, onSelect: () => ask({ kind: "details", environment }) },
            entry("rename", { icon: Pencil, onSelect: () => ask({ kind: "rename", environment }) }),
            entry("delete", { icon: Trash2, danger: true, onSelect: () => ask({ kind: "delete", environment }) }),
          ],
        },
      ]}
    />
  );
}
