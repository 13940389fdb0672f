import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { Check, ChevronRight, CircleDashed, X } from "lucide-react";
import { useEffect, useId, useRef, useState } from "react";
import type { EnvironmentStep } from "../../../../contract/gen/berth/v1/host_pb.js";
import { useFormats, useNow, useStrings } from "../../../app/context.ts";
import type { EnvironmentRow } from "../../../environments/environment-row.ts";
import { cx } from "../../../ui/cx.ts";
import { AnsiLine } from "../logs/ansi-line.tsx";
import { useLog } from "../logs/use-log.ts";

const tickMs = 1000;
/** More of a step's log is read in the log's own tab. */
const maxShownLines = 500;

/** The steps of a start with their times; each opens to what it printed. */
export function Steps({ row, steps }: { readonly row: EnvironmentRow; readonly steps: readonly EnvironmentStep[] }) {
  return (
    <ol className="divide-y overflow-hidden rounded-md border">
      {steps.map((step, index) => (
        <Step key={`${index} ${step.name}`} row={row} step={step} end={steps[index + 1]?.logOffset} />
      ))}
    </ol>
  );
}

function Step({ row, step, end }: { readonly row: EnvironmentRow; readonly step: EnvironmentStep; readonly end: bigint | undefined }) {
  const { environment } = useStrings();
  const [open, setOpen] = useState(false);
  const id = useId();
  const running = step.finishedAt === undefined;
  const words = environment.overview.stepStates;
  return (
    <li>
      <button
        type="button"
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setOpen(!open)}
        className="flex h-8 w-full items-center gap-2 px-3 text-left hover:bg-hover"
      >
        <ChevronRight size={14} aria-hidden className={cx("shrink-0 text-muted", open && "rotate-90")} />
        <StepIcon failed={step.failed} running={running} />
        <span className="sr-only">{step.failed ? words.failed : running ? words.running : words.done}</span>
        <span className="min-w-0 flex-1 truncate">{step.name}</span>
        <StepTime step={step} />
      </button>
      <div id={id}>{open ? <StepLog row={row} step={step} end={end} /> : null}</div>
    </li>
  );
}

function StepIcon({ failed, running }: { readonly failed: boolean; readonly running: boolean }) {
  if (failed) return <X size={14} aria-hidden className="shrink-0 text-danger" />;
  if (running) return <CircleDashed size={14} aria-hidden className="shrink-0 animate-pulse text-accent" />;
  return <Check size={14} aria-hidden className="shrink-0 text-ok" />;
}

function StepTime({ step }: { readonly step: EnvironmentStep }) {
  return step.finishedAt === undefined ? (
    <RunningTime sinceMs={msOf(step.startedAt)} />
  ) : (
    <Time ms={msOf(step.finishedAt) - msOf(step.startedAt)} />
  );
}

function RunningTime({ sinceMs }: { readonly sinceMs: number }) {
  return <Time ms={useNow(tickMs) - sinceMs} />;
}

function Time({ ms }: { readonly ms: number }) {
  const formats = useFormats();
  return <span className="text-muted tabular-nums">{formats.clock(ms)}</span>;
}

function StepLog({ row, step, end }: { readonly row: EnvironmentRow; readonly step: EnvironmentStep; readonly end: bigint | undefined }) {
  const { environment, shell } = useStrings();
  const words = environment.overview;
  const running = step.finishedAt === undefined;
  const log = useLog({ environmentId: row.id, from: step.logOffset, to: end, follow: running, generation: String(running) });
  const box = useRef<HTMLDivElement>(null);
  const lines = log.lines.slice(-maxShownLines);
  useEffect(() => {
    if (running && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [running, log.lines]);
  const note =
    log.error !== undefined
      ? log.error.detail
      : lines.length > 0
        ? log.lines.length > lines.length
          ? words.stepLogCut(maxShownLines)
          : undefined
        : log.loading
          ? shell.loading
          : words.stepLogEmpty;
  return (
    <div
      ref={box}
      role="log"
      aria-label={step.name}
      aria-live="off"
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- so that a keyboard can scroll it
      tabIndex={0}
      className="max-h-72 overflow-auto border-t bg-sunken px-3 py-1.5 font-mono text-sm leading-5 whitespace-pre select-text"
    >
      {note === undefined ? null : <p className="font-sans whitespace-normal text-muted">{note}</p>}
      {lines.map((line, index) => (
        <div key={index} className="min-h-5">
          <AnsiLine line={line} marked="" />
        </div>
      ))}
    </div>
  );
}

function msOf(timestamp: Timestamp | undefined): number {
  return timestamp === undefined ? 0 : timestampMs(timestamp);
}
