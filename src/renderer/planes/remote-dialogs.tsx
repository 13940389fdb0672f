import { type FormEvent, useEffect, useId, useRef, useState } from "react";
import { fromConnectError } from "../../contract/connect-error.ts";
import type { Context, RemoteEnvironment } from "../../contract/gen/berth/v1/context_pb.js";
import { useApp, useErrorText, useStrings } from "../app/context.ts";
import { Button } from "../ui/button.tsx";
import { Checkbox } from "../ui/checkbox.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field, Input } from "../ui/input.tsx";
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
  if (question === undefined) return null;
  const { environment } = question;
  switch (question.kind) {
    case "details":
      return <RemoteDetailsDialog context={rest.context} environment={environment} onClose={rest.onClose} />;
    case "rename":
      return <RemoteRenameDialog {...rest} environment={environment} />;
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

function RemoteRenameDialog({ environment, actions, onClose }: DialogProps) {
  const { environments, shell } = useStrings();
  const words = environments.rename;
  const textOf = useErrorText();
  const [name, setName] = useState(environment.name);
  const [error, setError] = useState<string | undefined>();
  const input = useRef<HTMLInputElement>(null);
  const form = useId();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (name.trim() === environment.name) return onClose();
    actions.rename(environment.environmentId, name.trim()).then(onClose, (thrown: unknown) => {
      const failure = fromConnectError(thrown);
      const { title, why } = textOf(failure.code);
      setError(`${title}. ${why}`);
      input.current?.focus();
    });
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.title(environment.name)}
      initialFocus={input}
      footer={
        <>
          <Button onClick={onClose}>{shell.cancel}</Button>
          <Button kind="primary" type="submit" form={form}>
            {words.submit}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit}>
        <Field label={words.label} hint={environments.remote.renameHint} error={error}>
          {(field) => (
            <Input
              {...field}
              ref={input}
              value={name}
              maxLength={80}
              onFocus={(event) => event.target.select()}
              onChange={(event) => {
                setName(event.target.value);
                setError(undefined);
              }}
            />
          )}
        </Field>
      </form>
    </Dialog>
  );
}
