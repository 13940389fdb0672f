import { timestampMs } from "@bufbuild/protobuf/wkt";
import { PenLine, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import type { Secret } from "../../../contract/gen/gitpod/v1/secret_pb.js";
import type { Call } from "../../api/use-call.ts";
import { useApp, useAppState, useFormats, useNow, useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { Section } from "../../ui/section.tsx";
import { KeptList } from "./kept-list.tsx";
import { RemoveDialog } from "./remove-dialog.tsx";
import { SecretDialog } from "./secret-dialog.tsx";

const agoIntervalMs = 60_000;

/** Environment variables that every environment gets. */
export function SecretsSection({ secrets }: { readonly secrets: Call<readonly Secret[]> }) {
  const { clients, toasts } = useApp();
  const { settings } = useStrings();
  const words = settings.secrets;
  const formats = useFormats();
  const nowMs = useNow(agoIntervalMs);
  const online = useAppState((s) => s.connection === "online");
  const [open, setOpen] = useState<{ readonly secret: Secret | undefined } | undefined>();
  const [removing, setRemoving] = useState<Secret | undefined>();
  const variables = secrets.value?.filter((secret) => secret.mount.case === "environmentVariable");
  const save = async (name: string, value: string): Promise<void> => {
    const secret = open?.secret;
    if (secret === undefined) await clients.secrets.createSecret({ name, value, mount: { case: "environmentVariable", value: true } });
    else await clients.secrets.updateSecretValue({ secretId: secret.id, value });
    toasts.info(secret === undefined ? words.added(name) : words.replaced(name));
    secrets.reload();
  };
  const remove = async ({ id, name }: Secret): Promise<void> => {
    try {
      await clients.secrets.deleteSecret({ secretId: id });
      toasts.info(words.removed(name));
    } catch (failure) {
      toasts.failed(failure);
    }
    secrets.reload();
  };
  return (
    <Section
      id="secrets"
      title={words.heading}
      description={words.description}
      actions={
        <Button icon={Plus} onClick={() => setOpen({ secret: undefined })} disabledReason={online ? undefined : settings.notOffline}>
          {words.add}
        </Button>
      }
    >
      <KeptList
        error={secrets.error}
        empty={words.none}
        onRetry={secrets.reload}
        items={variables?.map((secret) => ({
          id: secret.id,
          name: secret.name,
          note: secret.updatedAt === undefined ? "" : words.updated(formats.ago(timestampMs(secret.updatedAt), nowMs)),
          actions: [
            { icon: PenLine, label: settings.replace, onClick: () => setOpen({ secret }) },
            { icon: Trash2, label: settings.remove, onClick: () => setRemoving(secret) },
          ],
        }))}
      />
      {open === undefined ? null : (
        <SecretDialog
          name={open.secret?.name}
          taken={(variables ?? []).map((secret) => secret.name)}
          onSave={save}
          onClose={() => setOpen(undefined)}
        />
      )}
      {removing === undefined ? null : (
        <RemoveDialog
          title={words.removeTitle(removing.name)}
          detail={words.removeDetail}
          onClose={() => setRemoving(undefined)}
          onConfirm={() => void remove(removing)}
        />
      )}
    </Section>
  );
}
