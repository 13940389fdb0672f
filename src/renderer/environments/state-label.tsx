import { useErrorText, useFormats, useNow, useStrings } from "../app/context.ts";
import { type Tone, Dot } from "../ui/badge.tsx";
import type { EnvironmentRow, RowState } from "./environment-row.ts";

const tickMs = 1000;

const tones: Readonly<Record<RowState, Tone>> = {
  running: "ok",
  choice: "warn",
  recovery: "warn",
  starting: "accent",
  stopping: "accent",
  stopped: "neutral",
  failed: "danger",
  deleting: "neutral",
};

/** The state in a word, and while something goes on, what it is and since when. */
export function StateLabel({ row }: { readonly row: Pick<EnvironmentRow, "state" | "step" | "failure"> }) {
  const { environments } = useStrings();
  const busy = row.state === "starting" || row.state === "stopping" || row.state === "deleting";
  return (
    <span className="flex min-w-0 items-center gap-2">
      <Dot tone={tones[row.state]} busy={busy} />
      <span className="flex min-w-0 flex-col">
        <span className="truncate">{environments.states[row.state]}</span>
        {row.step === undefined ? <Trouble failure={row.failure} /> : <StepClock step={row.step} />}
      </span>
    </span>
  );
}

/** What failed, in the catalogue's words. */
function Trouble({ failure }: { readonly failure: string }) {
  const textOf = useErrorText();
  if (failure === "") return null;
  const { title } = textOf(failure.split(": ")[0] ?? "");
  return (
    <span title={failure} className="truncate text-sm text-muted">
      {title}
    </span>
  );
}

function StepClock({ step }: { readonly step: { readonly name: string; readonly sinceMs: number } }) {
  const nowMs = useNow(tickMs);
  const formats = useFormats();
  return (
    <span className="flex gap-1.5 text-sm text-muted">
      <span className="truncate">{step.name}</span>
      <span className="tabular-nums">{formats.clock(nowMs - step.sinceMs)}</span>
    </span>
  );
}
