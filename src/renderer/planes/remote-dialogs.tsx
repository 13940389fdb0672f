import { useEffect, useId, useRef, useState } from "react";
import type { Context, RemoteEnvironment } from "../../contract/gen/berth/v1/context_pb.js";
import { useApp, useStrings } from "../app/context.ts";
import { RenameDialog } from "../environments/rename-dialog.tsx";
import { Button } from "../ui/button.tsx";
import { Checkbox } from "../ui/checkbox.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { RemoteDetailsDialog } from "./remote-details-dialog.tsx";
import type { RemoteQuestion } from "./remote-row.tsx";
import type { RemoteActions } from "./use-remote-actions.ts";

/** Then what was said last is shown; what changed since is asked about again. */
const lookTimeoutMs = 5000;

interface DialogProps {
  readonly context: Context;
  readonly environment: RemoteEnvironment;
  readonly actions: RemoteActions;
  readonly onClose: () => void;
}

/** The dialog of a question about an environment of a plane. */
export function RemoteQuestions({
  question,
  ...rest
}: Omit<DialogProps, "environment"> & { readonly question: RemoteQuestion | undefined }) {
  const { environments } = useStrings();
  if (question === undefined) return null;
  const { environment } = question;
  const { environmentId, name } = environment;
  switch (question.kind) {
    case "details":
      return <RemoteDetailsDialog context={rest.context} environment={environment} onClose={rest.onClose} />;
    case "rename":
      return (
        <RenameDialog
          name={name}
          hint={environments.remote.renameHint}
          rename={async (newName) => rest.actions.rename(environmentId, newName)}
          onClose={rest.onClose}
        />
      );
    case "delete":
      return <RemoteDeleteDialog {...rest} environment={environment} />;
  }
}

/** How it is now: work may have been done since it was listed. */
function useLook(
  { contextId }: Context,
  known: RemoteEnvironment,
): { readonly environment: RemoteEnvironment; readonly look: "looking" | "done" | "failed" } {
  const { clients } = useApp();
  const { environmentId } = known;
  const [found, setFound] = useState<RemoteEnvironment | "failed" | undefined>();
  useEffect(() => {
    const ended = new AbortController();
    void clients.contexts
      .getRemoteEnvironment({ contextId, environmentId }, { signal: ended.signal, timeoutMs: lookTimeoutMs })
      .then(({ details }) => details?.environment ?? ("failed" as const))
      .catch(() => "failed" as const)
      .then((answer) => (ended.signal.aborted ? undefined : setFound(answer)));
    return () => ended.abort();
  }, [clients, contextId, environmentId]);
  if (found === undefined) return { environment: known, look: "looking" };
  return found === "failed" ? { environment: known, look: "failed" } : { environment: found, look: "done" };
}

/** Asks before deleting, and names what would be lost, which has to be agreed to. */
function RemoteDeleteDialog({ context, environment: asked, actions, onClose }: DialogProps) {
  const { environments, shell } = useStrings();
  const words = environments.delete;
  const [agreed, setAgreed] = useState(false);
  const cancel = useRef<HTMLButtonElement>(null);
  const id = useId();
  const { environment, look } = useLook(context, asked);
  const { name, changedFiles, unpushedCommits, workUnknown } = environment;
  const lost = [
    workUnknown ? words.unknown : "",
    changedFiles === 0 ? "" : environments.changed(changedFiles),
    unpushedCommits === 0 ? "" : environments.unpushed(unpushedCommits),
  ].filter((text) => text !== "");
  const blocked = look === "looking" ? words.looking : lost.length === 0 || agreed ? undefined : words.mustAgree;
  const run = (): void => {
    onClose();
    actions.delete(environment.environmentId, { acceptLoss: lost.length > 0 });
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.titleOne(name)}
      description={lost.length > 0 ? words.lost : look === "looking" ? words.looking : words.nothingLost}
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
      {look === "failed" ? <p>{environments.remote.notLooked}</p> : null}
      {lost.length === 0 ? null : (
        <>
          <ul className="flex flex-col gap-1 rounded-md border bg-sunken p-3">
            {lost.map((text) => (
              <li key={text}>{text}</li>
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
