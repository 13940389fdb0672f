import { useCallback, useId, useState } from "react";
import { useCall } from "../../../api/use-call.ts";
import { useApp, useStrings } from "../../../app/context.ts";
import { Button } from "../../../ui/button.tsx";
import { Checkbox } from "../../../ui/checkbox.tsx";
import { Input } from "../../../ui/input.tsx";
import { Section } from "../../../ui/section.tsx";
import { Skeleton } from "../../../ui/states.tsx";
import { SettingList } from "../../settings/setting.tsx";
import { useManaged } from "../manage-context.ts";
import { Failure, SectionFrame, Stale } from "../section-frame.tsx";
import { changesIn, draftOf, isLimit, type PolicyCheck, type PolicyDraft, type PolicyNumber, policyNumbers } from "./policy-draft.ts";

interface Group {
  readonly id: "environments" | "projects" | "access";
  readonly numbers: readonly PolicyNumber[];
  readonly checks: readonly PolicyCheck[];
}

const groups: readonly Group[] = [
  { id: "projects", numbers: [], checks: ["membersCreateProjects", "membersRequireProjects"] },
  {
    id: "environments",
    numbers: [
      "maximumRunningEnvironmentsPerUser",
      "maximumEnvironmentsPerUser",
      "maximumEnvironmentLifetime",
      "deleteArchivedEnvironmentsAfter",
    ],
    checks: ["maximumEnvironmentLifetimeStrict"],
  },
  { id: "access", numbers: [], checks: ["allowLocalRunners", "portSharingDisabled"] },
];

/** What the organization's members may do. */
export function PoliciesSection() {
  const { manage } = useStrings();
  const { clients, organizationId } = useManaged();
  const words = manage.policies;
  const { value, error, reload } = useCall(
    useCallback(
      async (signal: AbortSignal) => {
        const { policies } = await clients.organizations.getOrganizationPolicies({ organizationId }, { signal });
        return policies === undefined ? undefined : draftOf(policies);
      },
      [clients, organizationId],
    ),
  );
  return (
    <SectionFrame title={manage.sections.policies} description={words.description}>
      {value === undefined ? (
        error === undefined ? (
          <div aria-busy className="p-4">
            <Skeleton className="h-40" />
          </div>
        ) : (
          <Failure error={error} onRetry={reload} />
        )
      ) : (
        <>
          {error === undefined ? null : <Stale error={error} onRetry={reload} />}
          <PolicyForm key={JSON.stringify(value)} saved={value} onSaved={reload} />
        </>
      )}
    </SectionFrame>
  );
}

function PolicyForm({ saved, onSaved }: { readonly saved: PolicyDraft; readonly onSaved: () => void }) {
  const { manage, settings } = useStrings();
  const { toasts } = useApp();
  const { clients, organizationId } = useManaged();
  const words = manage.policies;
  const [draft, setDraft] = useState(saved);
  const [busy, setBusy] = useState(false);
  const changes = changesIn(saved, draft);
  const wrong = groups.flatMap(({ numbers }) => numbers).some((name) => !isLimit(name, draft[name]));
  const isSame = Object.keys(changes).length === 0;
  const save = async (): Promise<void> => {
    setBusy(true);
    try {
      await clients.organizations.updateOrganizationPolicies({ organizationId, ...changes });
      toasts.info(settings.saved);
      onSaved();
    } catch (failure) {
      toasts.failed(failure);
    }
    setBusy(false);
  };
  return (
    <form
      className="flex min-h-0 flex-1 flex-col"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isSame && !wrong && !busy) void save();
      }}
    >
      <div className="min-h-0 flex-1 overflow-y-auto border-t">
        <div className="flex max-w-200 flex-col gap-6 p-4">
          {groups.map((group) => (
            <PolicyGroup key={group.id} group={group} draft={draft} onChange={setDraft} />
          ))}
        </div>
      </div>
      <div className="flex shrink-0 items-center gap-2 border-t px-4 py-3">
        <span className="flex-1 text-sm text-muted">{words.countsFromNow}</span>
        <Button onClick={() => setDraft(saved)} disabledReason={isSame ? settings.unchanged : undefined}>
          {words.revert}
        </Button>
        <Button
          type="submit"
          kind="primary"
          disabledReason={busy ? manage.working : isSame ? settings.unchanged : wrong ? words.mend : undefined}
        >
          {settings.save}
        </Button>
      </div>
    </form>
  );
}

function PolicyGroup({
  group,
  draft,
  onChange,
}: {
  readonly group: Group;
  readonly draft: PolicyDraft;
  readonly onChange: (draft: PolicyDraft) => void;
}) {
  const { manage } = useStrings();
  const words = manage.policies;
  return (
    <Section title={words.groups[group.id]}>
      <SettingList>
        {group.numbers.map((name) => (
          <LimitRow key={name} name={name} text={draft[name]} onChange={(text) => onChange({ ...draft, [name]: text })} />
        ))}
        {group.checks.map((name) => (
          <CheckRow key={name} name={name} checked={draft[name]} onChange={(checked) => onChange({ ...draft, [name]: checked })} />
        ))}
        {group.id === "environments" ? (
          <ImageRow
            text={draft.defaultEnvironmentImage}
            onChange={(defaultEnvironmentImage) => onChange({ ...draft, defaultEnvironmentImage })}
          />
        ) : null}
      </SettingList>
    </Section>
  );
}

function LimitRow({
  name,
  text,
  onChange,
}: {
  readonly name: PolicyNumber;
  readonly text: string;
  readonly onChange: (text: string) => void;
}) {
  const { manage } = useStrings();
  const words = manage.policies;
  const id = useId();
  const { unit, least, most } = policyNumbers[name];
  const isWrong = !isLimit(name, text);
  return (
    <div className="flex min-h-11 items-center gap-4 px-3 py-2">
      <PolicyText htmlFor={id} name={name} note={isWrong ? words.limitWrong(least, most) : undefined} />
      <Input
        id={id}
        aria-describedby={`${id}-note`}
        inputMode="numeric"
        invalid={isWrong}
        value={text}
        onChange={(event) => onChange(event.target.value)}
        className="w-20! text-right tabular-nums"
      />
      <span className="w-16 text-muted">{text.trim() === "0" ? words.noLimit : words.units[unit]}</span>
    </div>
  );
}

function CheckRow({
  name,
  checked,
  onChange,
}: {
  readonly name: PolicyCheck;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
}) {
  const id = useId();
  return (
    <div className="flex min-h-11 items-center gap-4 px-3 py-2">
      <PolicyText htmlFor={id} name={name} />
      <Checkbox id={id} aria-describedby={`${id}-note`} checked={checked} onToggle={onChange} />
    </div>
  );
}

function ImageRow({ text, onChange }: { readonly text: string; readonly onChange: (text: string) => void }) {
  const id = useId();
  return (
    <div className="flex min-h-11 items-center gap-4 px-3 py-2">
      <PolicyText htmlFor={id} name="defaultEnvironmentImage" />
      <Input
        id={id}
        aria-describedby={`${id}-note`}
        value={text}
        placeholder="mcr.microsoft.com/devcontainers/base"
        onChange={(event) => onChange(event.target.value)}
        className="w-60!"
      />
    </div>
  );
}

/** What a policy is called and does. */
function PolicyText({
  htmlFor,
  name,
  note,
}: {
  readonly htmlFor: string;
  readonly name: PolicyNumber | PolicyCheck | "defaultEnvironmentImage";
  readonly note?: string | undefined;
}) {
  const { manage } = useStrings();
  const words = manage.policies;
  const { label, hint } = words.policies[name];
  return (
    <div className="min-w-0 flex-1">
      <label htmlFor={htmlFor}>{label}</label>
      <p id={`${htmlFor}-note`} className={note === undefined ? "text-sm text-muted" : "text-sm text-danger"}>
        {note ?? hint}
      </p>
    </div>
  );
}
