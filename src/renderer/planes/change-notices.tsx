import { Check, Trash2, Undo2 } from "lucide-react";
import {
  type DroppedChange,
  DroppedChange_Reason as Reason,
  type ListRemoteEnvironmentsResponse,
  type WaitingChange,
  WaitingChange_Kind as Kind,
} from "../../contract/gen/berth/v1/context_pb.js";
import { useErrorText, useStrings } from "../app/context.ts";
import { Button } from "../ui/button.tsx";
import { Notice } from "../ui/notice.tsx";
import type { RemoteQuestion } from "./remote-row.tsx";
import type { RemoteActions } from "./use-remote-actions.ts";

interface NoticesProps {
  readonly known: ListRemoteEnvironmentsResponse;
  readonly actions: RemoteActions;
  readonly ask: (question: RemoteQuestion) => void;
}

/** What the person has to know or to decide about changes that were made while the plane was away. */
export function ChangeNotices({ known, actions, ask }: NoticesProps) {
  const asked = known.waiting.filter(({ needsConfirmation }) => needsConfirmation);
  if (asked.length + known.dropped.length === 0) return null;
  return (
    <div className="flex flex-col gap-2 px-4 py-2">
      {asked.map((change) => (
        <AskedAgain key={change.changeId} change={change} known={known} actions={actions} ask={ask} />
      ))}
      {known.dropped.length === 0 ? null : <Dropped dropped={known.dropped} actions={actions} />}
    </div>
  );
}

function AskedAgain({ change, known, actions, ask }: NoticesProps & { readonly change: WaitingChange }) {
  const { environments } = useStrings();
  const words = environments.remote;
  const environment = known.environments.find(({ environmentId }) => environmentId === change.environmentId);
  return (
    <Notice
      tone="warn"
      title={words.askedTitle(change.environmentName)}
      actions={
        <>
          <Button icon={Undo2} onClick={() => actions.takeBack(change.changeId)}>
            {words.keepIt}
          </Button>
          {environment === undefined ? null : (
            <Button icon={Trash2} onClick={() => ask({ kind: "delete", environment })}>
              {words.deleteAfterAll}
            </Button>
          )}
        </>
      }
    >
      {words.asked}
    </Notice>
  );
}

function Dropped({ dropped, actions }: { readonly dropped: readonly DroppedChange[]; readonly actions: RemoteActions }) {
  const { environments } = useStrings();
  const words = environments.remote;
  const ids = dropped.flatMap(({ change }) => change?.changeId ?? []);
  return (
    <Notice
      tone="warn"
      title={words.droppedTitle}
      actions={
        <Button icon={Check} onClick={() => actions.forgetDropped(ids)}>
          {words.read}
        </Button>
      }
    >
      <ul className="flex flex-col gap-1">
        {dropped.map((drop) => (
          <DroppedLine key={drop.change?.changeId ?? ""} drop={drop} />
        ))}
      </ul>
    </Notice>
  );
}

function DroppedLine({ drop: { change, reason, errorCode, detail } }: { readonly drop: DroppedChange }) {
  const { environments } = useStrings();
  const textOf = useErrorText();
  const words = environments.remote;
  if (change === undefined) return null;
  const names: Readonly<Record<Kind, string>> = {
    [Kind.UNSPECIFIED]: "",
    [Kind.START]: environments.actions.start,
    [Kind.STOP]: environments.actions.stop,
    [Kind.DELETE]: environments.actions.delete,
    [Kind.RENAME]: environments.actions.rename,
  };
  const { title, whatToTry } = textOf(errorCode);
  const reasons: Readonly<Record<Reason, string>> = {
    [Reason.UNSPECIFIED]: "",
    [Reason.CHANGED_MEANWHILE]: words.changedMeanwhile,
    [Reason.GONE]: words.isGone,
    [Reason.REFUSED]: `${title}: ${detail}. ${whatToTry}`,
  };
  return (
    <li>
      <span className="font-medium">{environments.onOne(names[change.kind], change.environmentName)}</span> — {reasons[reason]}
    </li>
  );
}
