import { Download, PackageOpen } from "lucide-react";
import { useCallback, useId, useState } from "react";
import type { SupportSection } from "../../../contract/gen/berth/v1/support_pb.js";
import { useCall } from "../../api/use-call.ts";
import { useApp, useAppState, useFormats, useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { Checkbox } from "../../ui/checkbox.tsx";
import { saveText } from "../../ui/save-text.ts";
import { Section } from "../../ui/section.tsx";
import { ErrorState, Skeleton } from "../../ui/states.tsx";
import { bundleText } from "./bundle-text.ts";

/** Makes a bundle, shows all of it, and saves what the person leaves in it. */
export function SupportBundle() {
  const { diagnostics, shell } = useStrings();
  const words = diagnostics.bundle;
  const { clients, toasts } = useApp();
  const online = useAppState((s) => s.connection === "online");
  const partTitle = usePartTitle();
  const [keepNames, setKeepNames] = useState(false);
  const [wanted, setWanted] = useState(false);
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const id = useId();
  const { value, error, busy, reload } = useCall(
    useCallback(
      async (signal: AbortSignal) => (wanted ? clients.support.getSupportBundle({ keepNames }, { signal }) : undefined),
      [clients, wanted, keepNames],
    ),
  );
  // One that is not of the choice made is neither shown nor saved.
  const bundle = busy ? undefined : value;
  const chosen = (bundle?.sections ?? []).filter((section) => !left.has(section.id));
  const save = (): void => {
    if (bundle === undefined) return;
    saveText(document, bundle.fileName, bundleText(chosen.map((section) => ({ title: partTitle(section.id), text: section.text }))));
    toasts.info(words.saved(bundle.fileName));
  };
  return (
    <Section
      title={words.heading}
      description={words.description}
      actions={
        <BundleButtons
          made={bundle !== undefined}
          notNow={!online ? diagnostics.notOffline : wanted && busy ? words.making : undefined}
          onMake={wanted ? reload : () => setWanted(true)}
          onSave={save}
          notSaved={chosen.length === 0 ? words.nothingChosen : undefined}
        />
      }
    >
      <label htmlFor={id} className="flex items-center gap-2">
        <Checkbox id={id} checked={keepNames} onToggle={setKeepNames} />
        {words.keepNames}
      </label>
      {error === undefined ? null : <ErrorState error={error} actions={<Button onClick={reload}>{shell.retry}</Button>} />}
      {wanted && busy ? <Skeleton className="h-40" /> : null}
      {bundle === undefined ? null : (
        <>
          <p className="text-muted">{words.lookAt}</p>
          <ul className="flex flex-col gap-3">
            {bundle.sections.map((section) => (
              <Part
                key={section.id}
                section={section}
                included={!left.has(section.id)}
                onInclude={(included) => setLeft((before) => (included ? without(before, section.id) : new Set([...before, section.id])))}
              />
            ))}
          </ul>
        </>
      )}
    </Section>
  );
}

function BundleButtons({
  made,
  notNow,
  notSaved,
  onMake,
  onSave,
}: {
  readonly made: boolean;
  readonly notNow: string | undefined;
  readonly notSaved: string | undefined;
  readonly onMake: () => void;
  readonly onSave: () => void;
}) {
  const words = useStrings().diagnostics.bundle;
  return (
    <>
      <Button icon={PackageOpen} onClick={onMake} disabledReason={notNow}>
        {made ? words.makeAgain : words.make}
      </Button>
      {made ? (
        <Button icon={Download} kind="primary" onClick={onSave} disabledReason={notSaved}>
          {words.save}
        </Button>
      ) : null}
    </>
  );
}

function Part({
  section,
  included,
  onInclude,
}: {
  readonly section: SupportSection;
  readonly included: boolean;
  readonly onInclude: (included: boolean) => void;
}) {
  const { diagnostics } = useStrings();
  const words = diagnostics.bundle;
  const formats = useFormats();
  const title = usePartTitle()(section.id);
  const id = useId();
  const kinds: Readonly<Record<string, string>> = words.kinds;
  const hidden = Object.entries(section.hidden).map(([kind, count]) => `${count} ${kinds[kind] ?? kind}`);
  return (
    <li className="rounded-md border">
      <div className="flex items-center gap-3 border-b px-3 py-1.5">
        <Checkbox id={id} checked={included} aria-label={words.include(title)} onToggle={onInclude} />
        <label htmlFor={id} className="font-medium">
          {title}
        </label>
        <span className="min-w-0 flex-1 truncate text-sm text-muted">
          {hidden.length === 0 ? words.nothingHidden : words.hidden(hidden.join(", "))}
        </span>
        <span className="text-sm text-muted tabular-nums">{formats.bytes(new TextEncoder().encode(section.text).length)}</span>
      </div>
      {section.text === "" ? (
        <p className="px-3 py-2 text-muted">{section.failureMessage === "" ? words.empty : words.failed(section.failureMessage)}</p>
      ) : (
        <pre
          role="region"
          aria-label={title}
          // Keyboards must be able to scroll it.
          // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
          tabIndex={0}
          className={`max-h-64 overflow-auto bg-sunken px-3 py-2 font-mono text-sm break-words whitespace-pre-wrap select-text ${included ? "" : "text-muted line-through"}`}
        >
          {section.text}
        </pre>
      )}
    </li>
  );
}

function usePartTitle(): (id: string) => string {
  const parts: Readonly<Record<string, string>> = useStrings().diagnostics.bundle.parts;
  return (id) => parts[id] ?? id;
}

function without(set: ReadonlySet<string>, member: string): ReadonlySet<string> {
  return new Set([...set].filter((other) => other !== member));
}
