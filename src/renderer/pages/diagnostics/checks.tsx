import { CircleCheck, CircleHelp, CircleX, type LucideIcon, TriangleAlert } from "lucide-react";
import { type Diagnosis, Diagnosis_Severity } from "../../../contract/gen/berth/v1/host_pb.js";
import type { Call } from "../../api/use-call.ts";
import { useStrings } from "../../app/context.ts";
import type { Strings } from "../../i18n/strings.ts";
import { Button } from "../../ui/button.tsx";
import { Fix } from "../../ui/fix.tsx";
import { Section } from "../../ui/section.tsx";
import { ErrorState, Skeleton } from "../../ui/states.tsx";

interface Look {
  readonly icon: LucideIcon;
  readonly tone: string;
  readonly name: keyof Strings["diagnostics"]["severities"];
}

const looks: Readonly<Record<Diagnosis_Severity, Look>> = {
  [Diagnosis_Severity.UNSPECIFIED]: { icon: CircleHelp, tone: "text-muted", name: "unknown" },
  [Diagnosis_Severity.OK]: { icon: CircleCheck, tone: "text-ok", name: "ok" },
  [Diagnosis_Severity.WARNING]: { icon: TriangleAlert, tone: "text-warn", name: "warning" },
  [Diagnosis_Severity.ERROR]: { icon: CircleX, tone: "text-danger", name: "error" },
};

/** What was looked at: what is wrong first. */
export function Checks({ call: { value, error, busy, reload } }: { readonly call: Call<readonly Diagnosis[]> | Call<Diagnosis[]> }) {
  const { diagnostics: words, shell } = useStrings();
  const count = (severity: Diagnosis_Severity): number => (value ?? []).filter((d) => d.severity === severity).length;
  const summary = words.summary(count(Diagnosis_Severity.ERROR), count(Diagnosis_Severity.WARNING));
  return (
    <Section title={words.checks.heading} description={words.checks.description}>
      <p role="status" className="font-medium">
        {busy ? words.looking : value === undefined ? "" : summary}
      </p>
      {error === undefined ? null : <ErrorState error={error} actions={<Button onClick={reload}>{shell.retry}</Button>} />}
      {value === undefined ? (
        error === undefined ? (
          <Skeleton className="h-80" />
        ) : null
      ) : (
        <ul aria-label={words.checks.heading} className="divide-y rounded-md border">
          {value
            .toSorted((a, b) => b.severity - a.severity)
            .map((diagnosis) => (
              <Check key={diagnosis.id} diagnosis={diagnosis} />
            ))}
        </ul>
      )}
    </Section>
  );
}

function Check({ diagnosis: { id, severity, title, detail, fix } }: { readonly diagnosis: Diagnosis }) {
  const { diagnostics: words } = useStrings();
  const { icon: Icon, tone, name } = looks[severity];
  const titles: Readonly<Record<string, string>> = words.titles;
  return (
    <li className="flex gap-3 px-3 py-2">
      <Icon size={16} aria-hidden className={`mt-0.5 shrink-0 ${tone}`} />
      <div className="min-w-0 flex-1">
        <p className="flex gap-2">
          <span className="font-medium">{titles[id] ?? title}</span>
          <span className="flex-1" />
          <span className={`text-sm ${tone}`}>{words.severities[name]}</span>
        </p>
        <p className="break-words text-muted select-text">{detail}</p>
        <Fix text={fix} />
      </div>
    </li>
  );
}
