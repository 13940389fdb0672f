import { type RefObject, useId, useRef, useState } from "react";
import type { SSOConfiguration } from "../../../../contract/gen/gitpod/v1/organization_pb.js";
import { useStrings } from "../../../app/context.ts";
import { Checkbox } from "../../../ui/checkbox.tsx";
import { Field, Input } from "../../../ui/input.tsx";
import { SecretInput } from "../../settings/secret-input.tsx";
import { CopyField } from "../copy-field.tsx";
import { FormDialog } from "../form-dialog.tsx";
import { useManaged } from "../manage-context.ts";
import {
  type ProviderDraft,
  providerDraftOf,
  providerFault,
  providerFields,
  providerName,
  providerSettingNames,
} from "./provider-draft.ts";

/** Adds an identity provider, or changes the one that is given. The plane asks it before anything is kept. */
export function ProviderDialog({
  provider,
  onSaved,
  onClose,
}: {
  readonly provider?: SSOConfiguration;
  readonly onSaved: (name: string) => void;
  readonly onClose: () => void;
}) {
  const { manage, settings } = useStrings();
  const { planeUrl, organizationId } = useManaged();
  const words = manage.signIn;
  const [draft, setDraft] = useState(() => providerDraftOf(provider));
  const save = useSave(provider);
  const fault = providerFault(draft, provider);
  const input = useRef<HTMLInputElement>(null);
  return (
    <FormDialog
      title={provider === undefined ? words.addProvider : words.edit(providerName(provider))}
      description={words.providerDetail}
      submit={provider === undefined ? words.addProvider : settings.save}
      blocked={fault === undefined ? undefined : words.faults[fault]}
      width="w-150"
      initialFocus={input}
      onSubmit={async () => {
        await save(draft);
        onSaved(providerName(providerFields(draft, provider)));
      }}
      onClose={onClose}
    >
      <CopyField
        label={words.redirect}
        value={provider?.claims["berth.redirect_uri"] ?? `${planeUrl}/auth/callback/${organizationId}`}
        hint={words.redirectHint}
      />
      <ProviderFields input={input} provider={provider} draft={draft} onChange={(fields) => setDraft({ ...draft, ...fields })} />
    </FormDialog>
  );
}

/** Its settings are told in a second request; when that fails, trying again does not add the provider twice. */
function useSave(provider: SSOConfiguration | undefined): (draft: ProviderDraft) => Promise<void> {
  const { clients, organizationId } = useManaged();
  const made = useRef(provider?.id);
  return async (draft) => {
    const { scopes, ...fields } = providerFields(draft, provider);
    const { clientSecret } = draft;
    if (made.current === undefined) {
      const { claims: _later, ...first } = fields;
      const answer = await clients.organizations.createSSOConfiguration({
        organizationId,
        ...first,
        clientSecret,
        additionalScopes: scopes,
      });
      made.current = answer.ssoConfiguration?.id;
    }
    await clients.organizations.updateSSOConfiguration({
      ssoConfigurationId: made.current ?? "",
      ...fields,
      additionalScopes: { scopes },
      ...(clientSecret === "" ? {} : { clientSecret }),
    });
  };
}

function ProviderFields({
  input,
  provider,
  draft,
  onChange,
}: {
  readonly input: RefObject<HTMLInputElement | null>;
  readonly provider: SSOConfiguration | undefined;
  readonly draft: ProviderDraft;
  readonly onChange: (fields: Partial<ProviderDraft>) => void;
}) {
  const { manage } = useStrings();
  const words = manage.signIn;
  return (
    <>
      <Field label={words.issuer} hint={words.issuerHint}>
        {(props) => (
          <Input
            {...props}
            ref={input}
            value={draft.issuerUrl}
            placeholder="https://login.example.com"
            onChange={(event) => onChange({ issuerUrl: event.target.value })}
          />
        )}
      </Field>
      <div className="grid grid-cols-2 gap-3">
        <Field label={words.clientId}>
          {(props) => <Input {...props} value={draft.clientId} onChange={(event) => onChange({ clientId: event.target.value })} />}
        </Field>
        <Field label={words.clientSecret} hint={provider === undefined ? words.secretHint : words.secretKept}>
          {(props) => (
            <SecretInput {...props} value={draft.clientSecret} onText={(text) => onChange({ clientSecret: text.replaceAll(/\s/g, "") })} />
          )}
        </Field>
        <Field label={words.displayName} hint={words.displayNameHint}>
          {(props) => (
            <Input
              {...props}
              value={draft.displayName}
              maxLength={128}
              onChange={(event) => onChange({ displayName: event.target.value })}
            />
          )}
        </Field>
        <Field label={words.domains} hint={words.emailDomainsHint}>
          {(props) => (
            <Input
              {...props}
              value={draft.emailDomains}
              placeholder="example.com"
              onChange={(event) => onChange({ emailDomains: event.target.value })}
            />
          )}
        </Field>
      </div>
      <div className="flex flex-col gap-2">
        {([...providerSettingNames, "staysSignedIn"] as const).map((name) => (
          <Check key={name} {...words.settings[name]} checked={draft[name]} onToggle={(checked) => onChange({ [name]: checked })} />
        ))}
      </div>
    </>
  );
}

function Check({
  label,
  hint,
  checked,
  onToggle,
}: {
  readonly label: string;
  readonly hint: string;
  readonly checked: boolean;
  readonly onToggle: (checked: boolean) => void;
}) {
  const id = useId();
  return (
    <div className="flex items-start gap-2">
      <Checkbox id={id} aria-describedby={`${id}-note`} checked={checked} onToggle={onToggle} className="mt-0.75 shrink-0" />
      <span>
        <label htmlFor={id}>{label}</label>
        <span id={`${id}-note`} className="block text-sm text-muted">
          {hint}
        </span>
      </span>
    </div>
  );
}
