import { Plus, Trash2 } from "lucide-react";
import { useRef, useState } from "react";
import type { Secret } from "../../../contract/gen/gitpod/v1/secret_pb.js";
import type { Call } from "../../api/use-call.ts";
import { useApp, useAppState, useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Field, Input } from "../../ui/input.tsx";
import { Section } from "../../ui/section.tsx";
import { basicValue, registryOf, registrySecretName, shownRegistry } from "./hosts.ts";
import { KeptList } from "./kept-list.tsx";
import { RemoveDialog } from "./remove-dialog.tsx";
import { SecretInput } from "./secret-input.tsx";

/** User names and passwords for registries of images: secrets of the kind that the API has for them. */
export function RegistriesSection({ secrets }: { readonly secrets: Call<readonly Secret[]> }) {
  const { clients, toasts } = useApp();
  const { settings } = useStrings();
  const words = settings.registries;
  const online = useAppState((s) => s.connection === "online");
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Secret | undefined>();
  const registries = secrets.value?.filter((secret) => secret.mount.case === "containerRegistryBasicAuthHost");
  const add = async (registry: string, user: string, password: string): Promise<void> => {
    const value = basicValue(user, password);
    const old = registries?.find((secret) => hostIn(secret) === registry);
    if (old === undefined)
      await clients.secrets.createSecret({
        name: registrySecretName(registry),
        value,
        mount: { case: "containerRegistryBasicAuthHost", value: registry },
      });
    else await clients.secrets.updateSecretValue({ secretId: old.id, value });
    toasts.info(words.added(shownRegistry(registry)));
    secrets.reload();
  };
  const remove = async (secret: Secret): Promise<void> => {
    try {
      await clients.secrets.deleteSecret({ secretId: secret.id });
      toasts.info(words.removed(shownRegistry(hostIn(secret))));
    } catch (failure) {
      toasts.failed(failure);
    }
    secrets.reload();
  };
  return (
    <Section
      id="registries"
      title={words.heading}
      description={words.description}
      actions={
        <Button icon={Plus} onClick={() => setAdding(true)} disabledReason={online ? undefined : settings.notOffline}>
          {words.add}
        </Button>
      }
    >
      <KeptList
        error={secrets.error}
        empty={words.none}
        onRetry={secrets.reload}
        items={registries?.map((secret) => ({
          id: secret.id,
          name: shownRegistry(hostIn(secret)),
          note: settings.access.hidden,
          actions: [{ icon: Trash2, label: settings.remove, onClick: () => setRemoving(secret) }],
        }))}
      />
      {adding ? <AddRegistryDialog onAdd={add} onClose={() => setAdding(false)} /> : null}
      {removing === undefined ? null : (
        <RemoveDialog
          title={words.removeTitle(shownRegistry(hostIn(removing)))}
          detail={words.removeDetail}
          onClose={() => setRemoving(undefined)}
          onConfirm={() => void remove(removing)}
        />
      )}
    </Section>
  );
}

function hostIn(secret: Secret): string {
  return secret.mount.case === "containerRegistryBasicAuthHost" ? secret.mount.value : "";
}

function AddRegistryDialog({
  onAdd,
  onClose,
}: {
  readonly onAdd: (registry: string, user: string, password: string) => Promise<void>;
  readonly onClose: () => void;
}) {
  const { toasts } = useApp();
  const { settings, shell } = useStrings();
  const words = settings.registries;
  const [text, setText] = useState("");
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const registry = registryOf(text);
  const hostError = text.trim() !== "" && registry === undefined ? settings.access.hostInvalid : undefined;
  const userError = user.includes(":") ? words.userInvalid : undefined;
  const ready = registry !== undefined && user.trim() !== "" && userError === undefined && password !== "";
  const submit = (): void => {
    if (ready) onAdd(registry, user.trim(), password).then(onClose, (error: unknown) => toasts.failed(error));
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
          <Button
            kind="primary"
            onClick={submit}
            disabledReason={ready ? undefined : (hostError ?? userError ?? [words.host, words.user, words.password].join(", "))}
          >
            {settings.add}
          </Button>
        </>
      }
    >
      <Field label={words.host} error={hostError} hint={words.hostHint}>
        {(props) => <Input {...props} ref={input} value={text} placeholder="ghcr.io" onChange={(e) => setText(e.target.value)} />}
      </Field>
      <Field label={words.user} error={userError}>
        {(props) => <Input {...props} value={user} onChange={(e) => setUser(e.target.value)} />}
      </Field>
      <Field label={words.password}>{(props) => <SecretInput {...props} value={password} onText={setPassword} />}</Field>
    </Dialog>
  );
}
