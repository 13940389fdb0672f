import { Pencil, Plus, Trash2 } from "lucide-react";
import { useCallback, useState } from "react";
import { type SSOConfiguration, SSOConfigurationState } from "../../../../contract/gen/gitpod/v1/organization_pb.js";
import { useCall } from "../../../api/use-call.ts";
import { useApp, useStrings } from "../../../app/context.ts";
import { Badge } from "../../../ui/badge.tsx";
import { Button, IconButton } from "../../../ui/button.tsx";
import { Section } from "../../../ui/section.tsx";
import { TwoLines } from "../data-table.tsx";
import { FormDialog } from "../form-dialog.tsx";
import { useManaged } from "../manage-context.ts";
import { pageSize } from "../use-pages.ts";
import { KeptRows } from "./kept-rows.tsx";
import { ProviderDialog } from "./provider-dialog.tsx";
import { providerName } from "./provider-draft.ts";

type Question = { readonly kind: "add" } | { readonly kind: "edit" | "turn" | "remove"; readonly provider: SSOConfiguration };

/** The identity providers; an organization has a few. */
export function ProvidersList() {
  const { manage } = useStrings();
  const { toasts } = useApp();
  const { clients, organizationId } = useManaged();
  const words = manage.signIn;
  const [question, setQuestion] = useState<Question | undefined>();
  const providers = useCall(
    useCallback(
      async (signal: AbortSignal) =>
        (await clients.organizations.listSSOConfigurations({ organizationId, pagination: { pageSize } }, { signal })).ssoConfigurations,
      [clients, organizationId],
    ),
  );
  const { reload } = providers;
  const close = (): void => setQuestion(undefined);
  return (
    <Section
      title={words.providers}
      description={words.providersDetail}
      actions={
        <Button icon={Plus} onClick={() => setQuestion({ kind: "add" })}>
          {words.addProvider}
        </Button>
      }
    >
      <KeptRows call={providers} empty={words.noProviders} keyOf={({ id }) => id}>
        {(provider) => <ProviderRow provider={provider} ask={setQuestion} />}
      </KeptRows>
      {question === undefined ? null : (
        <Questions
          question={question}
          onClose={close}
          onDone={(text) => {
            toasts.info(text);
            reload();
          }}
        />
      )}
    </Section>
  );
}

function ProviderRow({ provider, ask }: { readonly provider: SSOConfiguration; readonly ask: (question: Question) => void }) {
  const { manage } = useStrings();
  const words = manage.signIn;
  const name = providerName(provider);
  const isOn = provider.state === SSOConfigurationState.SSO_CONFIGURATION_STATE_ACTIVE;
  const { emailDomains, issuerUrl } = provider;
  return (
    <>
      <span className="min-w-0 flex-1">
        <TwoLines
          first={name}
          second={`${issuerUrl} · ${emailDomains.length === 0 ? words.allDomains : emailDomains.join(", ")}`}
          title={issuerUrl}
        />
      </span>
      <Badge tone={isOn ? "ok" : "neutral"}>{isOn ? words.on : words.off}</Badge>
      <Button aria-label={`${isOn ? words.turnOff : words.turnOn}: ${name}`} onClick={() => ask({ kind: "turn", provider })}>
        {isOn ? words.turnOff : words.turnOn}
      </Button>
      <IconButton icon={Pencil} label={words.edit(name)} onClick={() => ask({ kind: "edit", provider })} />
      <IconButton icon={Trash2} label={words.remove(name)} onClick={() => ask({ kind: "remove", provider })} />
    </>
  );
}

function Questions({
  question,
  onClose,
  onDone,
}: {
  readonly question: Question;
  readonly onClose: () => void;
  readonly onDone: (text: string) => void;
}) {
  const { manage } = useStrings();
  const { clients } = useManaged();
  const words = manage.signIn;
  if (question.kind === "add") return <ProviderDialog onSaved={(name) => onDone(words.saved(name))} onClose={onClose} />;
  const { kind, provider } = question;
  const name = providerName(provider);
  const ssoConfigurationId = provider.id;
  const isOn = provider.state === SSOConfigurationState.SSO_CONFIGURATION_STATE_ACTIVE;
  const { SSO_CONFIGURATION_STATE_ACTIVE: active, SSO_CONFIGURATION_STATE_INACTIVE: inactive } = SSOConfigurationState;
  switch (kind) {
    case "edit":
      return <ProviderDialog provider={provider} onSaved={(saved) => onDone(words.saved(saved))} onClose={onClose} />;
    case "turn":
      return (
        <FormDialog
          title={isOn ? words.turnOffTitle(name) : words.turnOnTitle(name)}
          description={isOn ? words.turnOffDetail : words.turnOnDetail}
          submit={isOn ? words.turnOff : words.turnOn}
          kind={isOn ? "danger" : "primary"}
          onSubmit={async () => {
            await clients.organizations.updateSSOConfiguration({ ssoConfigurationId, state: isOn ? inactive : active });
            onDone(isOn ? words.turnedOff(name) : words.turnedOn(name));
          }}
          onClose={onClose}
        />
      );
    case "remove":
      return (
        <FormDialog
          title={words.removeTitle(name)}
          description={words.removeDetail}
          submit={words.removeSubmit}
          kind="danger"
          onSubmit={async () => {
            await clients.organizations.deleteSSOConfiguration({ ssoConfigurationId });
            onDone(words.removed(name));
          }}
          onClose={onClose}
        />
      );
  }
}
