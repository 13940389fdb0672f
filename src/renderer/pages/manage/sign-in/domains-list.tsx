import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Plus, Trash2 } from "lucide-react";
import { useCallback, useRef, useState } from "react";
import { type DomainVerification, DomainVerificationState } from "../../../../contract/gen/gitpod/v1/organization_pb.js";
import { useCall } from "../../../api/use-call.ts";
import { useApp, useFormats, useStrings } from "../../../app/context.ts";
import { Badge } from "../../../ui/badge.tsx";
import { Button, IconButton } from "../../../ui/button.tsx";
import { Field, Input } from "../../../ui/input.tsx";
import { Section } from "../../../ui/section.tsx";
import { TwoLines } from "../data-table.tsx";
import { CopyField } from "../copy-field.tsx";
import { FormDialog } from "../form-dialog.tsx";
import { useManaged } from "../manage-context.ts";
import { pageSize } from "../use-pages.ts";
import { KeptRows } from "./kept-rows.tsx";

type Question = { readonly kind: "add" } | { readonly kind: "verify" | "remove"; readonly domain: DomainVerification };

/** The domains of people's addresses; an organization has a hundred at most. */
export function DomainsList() {
  const { manage } = useStrings();
  const { toasts } = useApp();
  const { clients, organizationId } = useManaged();
  const words = manage.signIn;
  const [question, setQuestion] = useState<Question | undefined>();
  const domains = useCall(
    useCallback(
      async (signal: AbortSignal) =>
        (await clients.organizations.listDomainVerifications({ organizationId, pagination: { pageSize } }, { signal })).domainVerifications,
      [clients, organizationId],
    ),
  );
  const { reload } = domains;
  const close = (): void => setQuestion(undefined);
  const finish = (text: string): void => {
    toasts.info(text);
    reload();
  };
  return (
    <Section
      title={words.domains}
      description={words.domainsDetail}
      actions={
        <Button icon={Plus} onClick={() => setQuestion({ kind: "add" })}>
          {words.addDomain}
        </Button>
      }
    >
      <KeptRows call={domains} empty={words.noDomains} keyOf={({ id }) => id}>
        {(domain) => <DomainRow domain={domain} ask={setQuestion} />}
      </KeptRows>
      {question?.kind === "add" ? (
        <AddDomainDialog
          onAdded={(domain) => {
            reload();
            setQuestion({ kind: "verify", domain });
          }}
          onClose={close}
        />
      ) : null}
      {question?.kind === "verify" ? (
        <VerifyDialog domain={question.domain} onVerified={() => finish(words.verified(question.domain.domain))} onClose={close} />
      ) : null}
      {question?.kind === "remove" ? (
        <FormDialog
          title={words.removeDomainTitle(question.domain.domain)}
          description={words.removeDomainDetail}
          submit={words.removeSubmit}
          kind="danger"
          onSubmit={async () => {
            await clients.organizations.deleteDomainVerification({ domainVerificationId: question.domain.id });
            finish(words.removed(question.domain.domain));
          }}
          onClose={close}
        />
      ) : null}
    </Section>
  );
}

function DomainRow({ domain: of, ask }: { readonly domain: DomainVerification; readonly ask: (question: Question) => void }) {
  const { manage } = useStrings();
  const formats = useFormats();
  const words = manage.signIn;
  const isVerified = of.state === DomainVerificationState.VERIFIED;
  const { verifiedAt } = of;
  return (
    <>
      <span className="min-w-0 flex-1">
        <TwoLines
          first={of.domain}
          second={
            isVerified ? (verifiedAt === undefined ? "" : words.verifiedAt(formats.date(timestampMs(verifiedAt)))) : words.notYetVerified
          }
        />
      </span>
      <Badge tone={isVerified ? "ok" : "warn"}>{isVerified ? words.isVerified : words.isPending}</Badge>
      <Button
        aria-label={`${isVerified ? words.showRecord : words.verify}: ${of.domain}`}
        onClick={() => ask({ kind: "verify", domain: of })}
      >
        {isVerified ? words.showRecord : words.verify}
      </Button>
      <IconButton icon={Trash2} label={words.remove(of.domain)} onClick={() => ask({ kind: "remove", domain: of })} />
    </>
  );
}

function AddDomainDialog({ onAdded, onClose }: { readonly onAdded: (domain: DomainVerification) => void; readonly onClose: () => void }) {
  const { manage } = useStrings();
  const { clients, organizationId } = useManaged();
  const words = manage.signIn;
  const [domain, setDomain] = useState("");
  const input = useRef<HTMLInputElement>(null);
  return (
    <FormDialog
      title={words.addDomain}
      submit={words.addDomain}
      blocked={domain.includes(".") ? undefined : words.domainMissing}
      initialFocus={input}
      stays
      onSubmit={async () => {
        const { domainVerification } = await clients.organizations.createDomainVerification({ organizationId, domain: domain.trim() });
        if (domainVerification !== undefined) onAdded(domainVerification);
      }}
      onClose={onClose}
    >
      <Field label={words.domain} hint={words.domainHint}>
        {(props) => (
          <Input {...props} ref={input} value={domain} placeholder="example.com" onChange={(event) => setDomain(event.target.value)} />
        )}
      </Field>
    </FormDialog>
  );
}

function VerifyDialog({
  domain: { id, domain, verificationToken },
  onVerified,
  onClose,
}: {
  readonly domain: DomainVerification;
  readonly onVerified: () => void;
  readonly onClose: () => void;
}) {
  const { manage } = useStrings();
  const { clients } = useManaged();
  const words = manage.signIn;
  return (
    <FormDialog
      title={words.verifyTitle(domain)}
      description={words.verifyDetail}
      submit={words.verify}
      width="w-150"
      onSubmit={async () => {
        await clients.organizations.verifyDomain({ domainVerificationId: id });
        onVerified();
      }}
      onClose={onClose}
    >
      <CopyField label={words.recordName} value={`_berth-challenge.${domain}`} />
      <CopyField label={words.recordValue} value={verificationToken} hint={words.recordHint} />
    </FormDialog>
  );
}
