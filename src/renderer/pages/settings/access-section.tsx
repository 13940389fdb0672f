import { Plus, Trash2 } from "lucide-react";
import { useCallback, useRef, useState } from "react";
import { type HostAuthenticationToken, HostAuthenticationTokenSource } from "../../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { useCall } from "../../api/use-call.ts";
import { useApp, useAppState, useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { ExternalLink } from "../../ui/external-link.tsx";
import { Field, Input } from "../../ui/input.tsx";
import { Section } from "../../ui/section.tsx";
import { hostOf, tokenPage } from "./hosts.ts";
import { KeptList } from "./kept-list.tsx";
import { RemoveDialog } from "./remove-dialog.tsx";
import { SecretInput } from "./secret-input.tsx";

const pageSize = 100;

/** Tokens for the hosts that repositories are on. */
export function AccessSection() {
  const { clients, toasts } = useApp();
  const { settings } = useStrings();
  const words = settings.access;
  const online = useAppState((s) => s.connection === "online");
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<HostAuthenticationToken | undefined>();
  const { value, error, reload } = useCall(
    useCallback(
      async (signal: AbortSignal) =>
        (await clients.runnerConfiguration.listHostAuthenticationTokens({ pagination: { pageSize } }, { signal })).tokens,
      [clients],
    ),
  );
  const add = async (host: string, token: string): Promise<void> => {
    const runnerId = (await clients.runners.listRunners({})).runners[0]?.runnerId ?? "";
    await clients.runnerConfiguration.createHostAuthenticationToken({ runnerId, host, token, source: HostAuthenticationTokenSource.PAT });
    // After the new one is kept, so that a failure leaves the old one.
    for (const old of value ?? []) if (old.host === host) await clients.runnerConfiguration.deleteHostAuthenticationToken({ id: old.id });
    toasts.info(words.added(host));
    reload();
  };
  const remove = async ({ id, host }: HostAuthenticationToken): Promise<void> => {
    try {
      await clients.runnerConfiguration.deleteHostAuthenticationToken({ id });
      toasts.info(words.removed(host));
    } catch (failure) {
      toasts.failed(failure);
    }
    reload();
  };
  return (
    <Section
      id="access"
      title={words.heading}
      description={words.description}
      actions={
        <Button icon={Plus} onClick={() => setAdding(true)} disabledReason={online ? undefined : settings.notOffline}>
          {words.add}
        </Button>
      }
    >
      <KeptList
        error={error}
        empty={words.none}
        onRetry={reload}
        items={value?.map((token) => ({
          id: token.id,
          name: token.host,
          note: words.hidden,
          actions: [{ icon: Trash2, label: settings.remove, onClick: () => setRemoving(token) }],
        }))}
      />
      {adding ? <AddTokenDialog hosts={(value ?? []).map((t) => t.host)} onAdd={add} onClose={() => setAdding(false)} /> : null}
      {removing === undefined ? null : (
        <RemoveDialog
          title={words.removeTitle(removing.host)}
          detail={words.removeDetail}
          onClose={() => setRemoving(undefined)}
          onConfirm={() => void remove(removing)}
        />
      )}
    </Section>
  );
}

function AddTokenDialog({
  hosts,
  onAdd,
  onClose,
}: {
  readonly hosts: readonly string[];
  readonly onAdd: (host: string, token: string) => Promise<void>;
  readonly onClose: () => void;
}) {
  const { toasts } = useApp();
  const { settings, shell } = useStrings();
  const words = settings.access;
  const [text, setText] = useState("");
  const [token, setToken] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const host = hostOf(text);
  const page = host === undefined ? undefined : tokenPage(host);
  const hostError = text.trim() !== "" && host === undefined ? words.hostInvalid : undefined;
  const ready = host !== undefined && token.trim() !== "";
  const submit = (): void => {
    if (!ready) return;
    onAdd(host, token.trim()).then(onClose, (error: unknown) => toasts.failed(error));
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
          <Button kind="primary" onClick={submit} disabledReason={ready ? undefined : (hostError ?? `${words.host}, ${words.token}`)}>
            {settings.add}
          </Button>
        </>
      }
    >
      <Field label={words.host} error={hostError} hint={host !== undefined && hosts.includes(host) ? words.replaces(host) : words.hostHint}>
        {(props) => <Input {...props} ref={input} value={text} placeholder="github.com" onChange={(e) => setText(e.target.value)} />}
      </Field>
      <Field
        label={words.token}
        hint={
          page === undefined ? (
            words.tokenHint
          ) : (
            <>
              {words.tokenHint} {words.makeOne} <ExternalLink href={page}>{host}</ExternalLink>
            </>
          )
        }
      >
        {(props) => <SecretInput {...props} value={token} onText={(next) => setToken(next.replaceAll(/[\r\n]/g, ""))} />}
      </Field>
    </Dialog>
  );
}
