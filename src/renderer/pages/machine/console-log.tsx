import { Copy } from "lucide-react";
import { useCallback, useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { useCall } from "../../api/use-call.ts";
import { useApp, useAppState, useCopy, useStrings } from "../../app/context.ts";
import { Button } from "../../ui/button.tsx";
import { Checkbox } from "../../ui/checkbox.tsx";
import { Section } from "../../ui/section.tsx";
import { ErrorState, Skeleton } from "../../ui/states.tsx";
import { plainText } from "./plain-text.ts";

const followIntervalMs = 2000;
const maxBytes = 64 * 1024;

/** The end of the machine's console, which goes on by itself. */
export function ConsoleLog() {
  const { clients } = useApp();
  const { machine: words, shell } = useStrings();
  const copy = useCopy();
  const [following, setFollowing] = useState(true);
  const online = useAppState((s) => s.connection === "online");
  const ask = useCallback(
    async (signal: AbortSignal) => plainText((await clients.host.getConsole({ maxBytes }, { signal })).text),
    [clients],
  );
  const { value, error, reload } = useCall(ask);
  const shown = useRef<HTMLPreElement>(null);
  const id = useId();
  useEffect(() => {
    if (!following || !online) return;
    const timer = setInterval(() => document.visibilityState === "visible" && reload(), followIntervalMs);
    return () => clearInterval(timer);
  }, [following, online, reload]);
  useLayoutEffect(() => {
    if (following && shown.current !== null) shown.current.scrollTop = shown.current.scrollHeight;
  }, [following, value]);
  return (
    <Section
      title={words.console.heading}
      description={words.console.description}
      actions={
        <>
          <label htmlFor={id} className="flex h-7 items-center gap-2">
            <Checkbox id={id} checked={following} onToggle={setFollowing} />
            {words.console.follow}
          </label>
          <Button icon={Copy} onClick={() => copy(value ?? "")}>
            {words.console.copy}
          </Button>
        </>
      }
    >
      {value === undefined && error !== undefined ? (
        <ErrorState error={error} actions={<Button onClick={reload}>{shell.retry}</Button>} />
      ) : value === undefined ? (
        <Skeleton className="h-40" />
      ) : value === "" ? (
        <p className="rounded-md border bg-sunken p-3 text-muted">{words.console.empty}</p>
      ) : (
        <pre
          ref={shown}
          // Keyboards must be able to scroll it.
          // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
          tabIndex={0}
          aria-label={words.console.output}
          role="region"
          className="max-h-72 overflow-auto rounded-md border bg-sunken p-3 font-mono text-sm whitespace-pre-wrap select-text"
        >
          {value}
        </pre>
      )}
    </Section>
  );
}
