import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDownToLine, Copy, Download, FileText } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { useCommands, useCopy, useStrings } from "../../../app/context.ts";
import type { EnvironmentRow } from "../../../environments/environment-row.ts";
import { Button, IconButton } from "../../../ui/button.tsx";
import { Input } from "../../../ui/input.tsx";
import { EmptyState, ErrorState, Skeleton } from "../../../ui/states.tsx";
import { textOf } from "./ansi.ts";
import { AnsiLine } from "./ansi-line.tsx";
import { useLog } from "./use-log.ts";

const lineHeightPx = 20;
/** From the end this near counts as at the end. */
const endTolerancePx = 24;

/** What cloning and building printed, as it comes. */
export function LogsTab({ row }: { readonly row: EnvironmentRow }) {
  const { environment, shell } = useStrings();
  const words = environment.logs;
  const [again, setAgain] = useState(0);
  const [filter, setFilter] = useState("");
  const [following, setFollowing] = useState(true);
  const filterBox = useRef<HTMLInputElement>(null);
  const busy = row.state === "starting";
  const log = useLog({ environmentId: row.id, from: 0n, follow: busy, generation: `${row.state} ${again}` });
  const shown = useMemo(() => filtered(log.lines, filter), [log.lines, filter]);
  const copy = useCopy();
  useCommands(
    useMemo(
      () => [
        { id: "logs.filter", title: words.filter, section: words.title, shortcut: "/", run: () => filterBox.current?.focus() },
        { id: "logs.follow", title: words.follow, section: words.title, shortcut: "End", run: () => setFollowing(true) },
      ],
      [words],
    ),
  );
  if (log.error !== undefined)
    return (
      <div className="p-4">
        <ErrorState error={log.error} actions={<Button onClick={() => setAgain(again + 1)}>{shell.retry}</Button>} />
      </div>
    );
  if (log.lines.length === 0)
    return log.loading ? (
      <Skeleton className="m-4 h-40" />
    ) : (
      <EmptyState icon={FileText} title={words.none}>
        {words.noneDetail}
      </EmptyState>
    );
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex h-11 shrink-0 items-center gap-2 border-b px-4">
        <Input
          ref={filterBox}
          type="search"
          className="max-w-80"
          aria-label={words.filter}
          placeholder={words.filter}
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
        <span role="status" className="flex-1 text-muted tabular-nums">
          {words.lines(shown.length, log.lines.length)}
          {log.droppedLines > 0 ? ` ${words.dropped(log.droppedLines)}` : ""}
        </span>
        <Button
          icon={ArrowDownToLine}
          aria-pressed={following}
          kind={following ? "secondary" : "quiet"}
          onClick={() => setFollowing(!following)}
        >
          {words.follow}
        </Button>
        <IconButton icon={Copy} label={words.copy} onClick={() => copy(shown.map(textOf).join("\n"))} />
        <IconButton icon={Download} label={words.download} onClick={() => download(`${row.name}.log`, log.lines)} />
      </div>
      <Lines lines={shown} marked={filter} following={following} onFollowing={setFollowing} label={words.title} />
    </div>
  );
}

function Lines({
  lines,
  marked,
  following,
  onFollowing,
  label,
}: {
  readonly lines: readonly string[];
  readonly marked: string;
  readonly following: boolean;
  readonly onFollowing: (following: boolean) => void;
  readonly label: string;
}) {
  const scroller = useRef<HTMLDivElement>(null);
  const lastTop = useRef(0);
  // React Compiler is not in use, so its rule against this hook does not apply.
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => lineHeightPx,
    overscan: 30,
  });
  useEffect(() => {
    if (following && lines.length > 0) virtual.scrollToIndex(lines.length - 1, { align: "end" });
  }, [following, lines.length, virtual]);
  const onScroll = (): void => {
    const element = scroller.current;
    if (element === null) return;
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < endTolerancePx;
    // Only a person scrolls up.
    if (element.scrollTop < lastTop.current && !atEnd) onFollowing(false);
    else if (atEnd) onFollowing(true);
    lastTop.current = element.scrollTop;
  };
  return (
    <div
      ref={scroller}
      onScroll={onScroll}
      role="log"
      aria-label={label}
      aria-live="off"
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- so that a keyboard can scroll it
      tabIndex={0}
      className="min-h-0 flex-1 overflow-auto bg-sunken font-mono text-sm leading-5 select-text"
    >
      <div className="relative min-w-full" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start }) => (
          <div key={index} className="absolute left-0 flex h-5 min-w-full whitespace-pre" style={{ transform: `translateY(${start}px)` }}>
            <span aria-hidden className="sticky left-0 w-14 shrink-0 bg-sunken pr-3 text-right text-muted select-none">
              {index + 1}
            </span>
            <span className="pr-4">
              <AnsiLine line={lines[index] ?? ""} marked={marked} />
            </span>
          </div>
        ))}
      </div>
    </div>
  );
}

function filtered(lines: readonly string[], filter: string): readonly string[] {
  if (filter === "") return lines;
  const wanted = filter.toLowerCase();
  return lines.filter((line) => textOf(line).toLowerCase().includes(wanted));
}

function download(name: string, lines: readonly string[]): void {
  const url = URL.createObjectURL(new Blob([lines.map(textOf).join("\n"), "\n"], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
