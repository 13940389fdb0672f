import { ChevronRight } from "lucide-react";
import { useState } from "react";
import { useCall } from "../../api/use-call.ts";
import { useStrings } from "../../app/context.ts";
import { ExternalLink } from "../../ui/external-link.tsx";
import { Input } from "../../ui/input.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Section } from "../../ui/section.tsx";
import { Skeleton } from "../../ui/states.tsx";
import { type Licences, loadLicences } from "./licences.ts";

const debianSources = "https://sources.debian.org";

/** Whose work ships with Berth, each with its licence's text. */
export function LicenceList() {
  const { about } = useStrings();
  const words = about.licences;
  const { value, error } = useCall(loadLicences);
  const [query, setQuery] = useState("");
  const found = (value?.packages ?? []).filter((p) => `${p.name} ${p.licence}`.toLowerCase().includes(query.trim().toLowerCase()));
  return (
    <Section title={words.heading} description={value === undefined ? words.loading : words.description(value.packages.length)}>
      {error === undefined ? null : <Notice tone="warn" title={words.failed} />}
      {value === undefined ? (
        error === undefined ? (
          <Skeleton className="h-60" />
        ) : null
      ) : (
        <>
          <Input
            type="search"
            aria-label={words.search}
            placeholder={words.search}
            value={query}
            onChange={(event) => setQuery(event.target.value)}
          />
          {found.length === 0 ? (
            <p className="text-muted">{words.none}</p>
          ) : (
            <ul className="divide-y rounded-md border">
              {found.map((p) => (
                <li key={`${p.name}@${p.version}`}>
                  <OneLicence shipped={p} text={value.texts[p.text]} />
                </li>
              ))}
            </ul>
          )}
        </>
      )}
      <p className="text-muted">
        {words.image} <ExternalLink href={debianSources}>sources.debian.org</ExternalLink>
      </p>
    </Section>
  );
}

function OneLicence({ shipped, text }: { readonly shipped: Licences["packages"][number]; readonly text: string | undefined }) {
  const { about } = useStrings();
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="flex min-h-8 items-center gap-3 px-3 hover:bg-hover">
        <ChevronRight size={14} aria-hidden className={`shrink-0 text-muted ${open ? "rotate-90" : ""}`} />
        <span className="min-w-0 truncate">{shipped.name}</span>
        <span className="flex-1 text-muted tabular-nums">{shipped.version}</span>
        <span className="text-sm text-muted">{shipped.licence}</span>
      </summary>
      {open ? (
        <pre className="border-t bg-sunken px-3 py-2 font-mono text-sm whitespace-pre-wrap select-text">
          {text ?? about.licences.noText}
        </pre>
      ) : null}
    </details>
  );
}
