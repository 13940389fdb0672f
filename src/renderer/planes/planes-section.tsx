import { LogIn, LogOut, Plus, Trash2 } from "lucide-react";
import { useRef, useState } from "react";
import { fromConnectError } from "../../contract/connect-error.ts";
import { type Context, Context_State } from "../../contract/gen/berth/v1/context_pb.js";
import type { Call } from "../api/use-call.ts";
import { useApp, useAppState, useStrings } from "../app/context.ts";
import { RemoveDialog } from "../pages/settings/remove-dialog.tsx";
import { Button, IconButton } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field, Input } from "../ui/input.tsx";
import { Section } from "../ui/section.tsx";
import { ErrorState, Skeleton } from "../ui/states.tsx";
import { ContextState } from "./context-state.tsx";
import { SignInDialog } from "./sign-in-dialog.tsx";
import { useContexts } from "./use-contexts.ts";

type Question = { readonly kind: "add" } | { readonly kind: "sign-in" | "sign-out" | "remove"; readonly context: Context };

/** Remote planes, and who is signed in to them. */
export function PlanesSection() {
  const { clients, toasts } = useApp();
  const { settings } = useStrings();
  const words = settings.planes;
  const online = useAppState((s) => s.connection === "online");
  const contexts = useContexts();
  const { reload } = contexts;
  const [question, setQuestion] = useState<Question | undefined>();
  const end = async (context: Context, how: Ending, { discardChanges }: { discardChanges: boolean }): Promise<void> => {
    const done = how === "signOut" ? words.signedOutOf(context.name) : words.removed(context.name);
    try {
      const { revoked } = await clients.contexts[how]({ contextId: context.contextId, discardChanges });
      const isTold = revoked || context.state === Context_State.SIGNED_OUT;
      toasts.info(isTold ? done : `${done}. ${context.personalAccessToken ? words.tokenStays : words.notRevoked}`);
    } catch (failure) {
      // Some wait since the list was looked at.
      if (fromConnectError(failure).code === "changes-waiting") setQuestion({ kind: "sign-out", context });
      else toasts.failed(failure);
    }
    reload();
  };
  const signOut = (context: Context): void => {
    if (context.waitingChanges > 0) setQuestion({ kind: "sign-out", context });
    else void end(context, "signOut", { discardChanges: false });
  };
  /** Brings the organization's name too. */
  const look = async ({ contextId }: Context): Promise<void> => {
    reload();
    await clients.contexts.listRemoteEnvironments({ contextId }).catch(() => undefined);
    reload();
  };
  return (
    <Section
      id="planes"
      title={words.heading}
      description={words.description}
      actions={
        <Button icon={Plus} onClick={() => setQuestion({ kind: "add" })} disabledReason={online ? undefined : settings.notOffline}>
          {words.add}
        </Button>
      }
    >
      <PlaneList
        contexts={contexts}
        onSignIn={(context) => setQuestion({ kind: "sign-in", context })}
        onSignOut={signOut}
        onRemove={(context) => setQuestion({ kind: "remove", context })}
      />
      <PlaneQuestion
        question={question}
        onClose={() => setQuestion(undefined)}
        onAdded={(context) => {
          reload();
          setQuestion({ kind: "sign-in", context });
        }}
        onSignedIn={(context) => void look(context)}
        onEnd={(context, how, options) => void end(context, how, options)}
      />
    </Section>
  );
}

type Ending = "signOut" | "removeContext";

/** The dialog of a question. */
function PlaneQuestion({
  question,
  onClose,
  onAdded,
  onSignedIn,
  onEnd,
}: {
  readonly question: Question | undefined;
  readonly onClose: () => void;
  readonly onAdded: (context: Context) => void;
  readonly onSignedIn: (context: Context) => void;
  readonly onEnd: (context: Context, how: Ending, options: { readonly discardChanges: boolean }) => void;
}) {
  const { settings } = useStrings();
  const words = settings.planes;
  if (question === undefined) return null;
  if (question.kind === "add") return <AddPlaneDialog onClose={onClose} onAdded={onAdded} />;
  const { context } = question;
  const waits = context.waitingChanges > 0;
  switch (question.kind) {
    case "sign-in":
      return <SignInDialog context={context} onClose={onClose} onSignedIn={() => onSignedIn(context)} />;
    case "sign-out":
      return (
        <RemoveDialog
          title={words.signOutTitle(context.name)}
          detail={words.waitingLost}
          submit={words.signOutAnyway}
          onClose={onClose}
          onConfirm={() => onEnd(context, "signOut", { discardChanges: true })}
        />
      );
    case "remove":
      return (
        <RemoveDialog
          title={words.removeTitle(context.name)}
          detail={waits ? `${words.removeDetail} ${words.waitingLost}` : words.removeDetail}
          onClose={onClose}
          onConfirm={() => onEnd(context, "removeContext", { discardChanges: waits })}
        />
      );
  }
}

interface PlaneHands {
  readonly onSignIn: (context: Context) => void;
  readonly onSignOut: (context: Context) => void;
  readonly onRemove: (context: Context) => void;
}

function PlaneList({ contexts: { value, error, reload }, ...hands }: PlaneHands & { readonly contexts: Call<readonly Context[]> }) {
  const { settings, shell } = useStrings();
  if (value === undefined)
    return error === undefined ? (
      <Skeleton className="h-11" />
    ) : (
      <ErrorState error={error} actions={<Button onClick={reload}>{shell.retry}</Button>} />
    );
  if (value.length === 0) return <p className="rounded-md border bg-sunken p-3 text-muted">{settings.planes.none}</p>;
  return (
    <ul className="divide-y rounded-md border">
      {value.map((context) => (
        <PlaneRow key={context.contextId} context={context} {...hands} />
      ))}
    </ul>
  );
}

function PlaneRow({ context, onSignIn, onSignOut, onRemove }: PlaneHands & { readonly context: Context }) {
  const { settings } = useStrings();
  const words = settings.planes;
  const { name, planeUrl, accountName, organizationName, sessionOnlyBecause, state } = context;
  const isOut = state === Context_State.SIGNED_OUT;
  const who = isOut ? "" : words.as(accountName, organizationName);
  return (
    <li className="flex min-h-11 items-center gap-3 px-3 py-1.5">
      <span className="flex min-w-0 flex-1 flex-col">
        <span className="flex min-w-0 gap-2">
          <span className="truncate font-medium">{name}</span>
          <span className="truncate font-mono text-sm text-muted select-text">{planeUrl}</span>
        </span>
        <span className="truncate text-sm text-muted">
          {who}
          {isOut || sessionOnlyBecause === "" ? null : ` · ${words.sessionOnly(sessionOnlyBecause)}`}
        </span>
      </span>
      <ContextState context={context} />
      {isOut ? (
        <Button icon={LogIn} aria-label={`${words.signIn}: ${name}`} onClick={() => onSignIn(context)}>
          {words.signIn}
        </Button>
      ) : (
        <IconButton icon={LogOut} label={`${words.signOut}: ${name}`} onClick={() => onSignOut(context)} />
      )}
      <IconButton icon={Trash2} label={`${settings.remove}: ${name}`} onClick={() => onRemove(context)} />
    </li>
  );
}

function AddPlaneDialog({ onClose, onAdded }: { readonly onClose: () => void; readonly onAdded: (context: Context) => void }) {
  const { clients, toasts } = useApp();
  const { settings, shell } = useStrings();
  const words = settings.planes;
  const [url, setUrl] = useState("");
  const [name, setName] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const ready = url.trim() !== "";
  const submit = async (): Promise<void> => {
    if (!ready) return;
    try {
      const { context } = await clients.contexts.addContext({ planeUrl: url.trim(), name: name.trim() });
      if (context !== undefined) onAdded(context);
    } catch (failure) {
      toasts.failed(failure);
    }
  };
  const onKeyDown = (event: { readonly key: string }): void => {
    if (event.key === "Enter") void submit();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.addTitle}
      initialFocus={input}
      footer={
        <>
          <Button onClick={onClose}>{shell.cancel}</Button>
          <Button kind="primary" onClick={() => void submit()} disabledReason={ready ? undefined : words.urlMissing}>
            {settings.add}
          </Button>
        </>
      }
    >
      <Field label={words.url} hint={words.urlHint}>
        {(props) => (
          <Input
            {...props}
            ref={input}
            value={url}
            placeholder="https://berth.example.org"
            onKeyDown={onKeyDown}
            onChange={(e) => setUrl(e.target.value)}
          />
        )}
      </Field>
      <Field label={words.name} hint={words.nameHint}>
        {(props) => <Input {...props} value={name} onKeyDown={onKeyDown} onChange={(e) => setName(e.target.value)} />}
      </Field>
    </Dialog>
  );
}
