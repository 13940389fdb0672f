import { useVirtualizer } from "@tanstack/react-virtual";
import { type RefObject, useEffect, useMemo, useRef, useState } from "react";
import { useStrings } from "../../app/context.ts";
import type { Strings } from "../../i18n/strings.ts";
import type { RowGroup } from "../../environments/arrange.ts";
import { type EnvironmentRow, rowStates } from "../../environments/environment-row.ts";
import { Checkbox } from "../../ui/checkbox.tsx";
import { Card } from "./card.tsx";
import { columns, type ItemProps, ListRow } from "./list-row.tsx";

const rowHeightPx = 48;
const groupHeightPx = 32;
const cardHeightPx = 136;
const cardGapPx = 12;
const minCardWidthPx = 300;
const overscan = 8;

type Line =
  | { readonly kind: "group"; readonly key: string; readonly count: number }
  | { readonly kind: "rows"; readonly rows: readonly EnvironmentRow[] };

export interface VirtualListProps extends Omit<ItemProps, "row" | "current" | "selected"> {
  readonly groups: readonly RowGroup[];
  readonly layout: "list" | "cards";
  readonly currentId: string | undefined;
  readonly selectedIds: ReadonlySet<string>;
  /** Counts up with each move by keyboard, after which the current row is shown and focused. */
  readonly moves: number;
  readonly onSelectAll: (selected: boolean) => void;
  /** How many rows an arrow up or down goes past, since cards stand side by side. */
  readonly perLine: RefObject<number>;
}

/** The rows that are in sight, of any number. */
export function VirtualList(props: VirtualListProps) {
  const { groups, layout, currentId, selectedIds, moves, perLine } = props;
  const { environments } = useStrings();
  const scroller = useRef<HTMLDivElement>(null);
  const width = useWidth(scroller);
  const lanes = layout === "cards" ? Math.max(1, Math.floor((width - 20) / (minCardWidthPx + cardGapPx))) : 1;
  useEffect(() => {
    perLine.current = lanes;
  }, [lanes, perLine]);
  const lines = useMemo(() => linesOf(groups, lanes), [groups, lanes]);
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => (lines[index]?.kind === "group" ? groupHeightPx : layout === "cards" ? cardHeightPx + cardGapPx : rowHeightPx),
    overscan,
  });
  useEffect(() => virtualizer.measure(), [virtualizer, layout, lines]);
  useShowCurrent({ scroller, lines, currentId, moves, scrollTo: (index) => virtualizer.scrollToIndex(index) });
  return (
    <div role="grid" aria-label={environments.title} aria-rowcount={lines.length} className="@container flex min-h-0 flex-1 flex-col">
      {layout === "list" ? <Header {...props} /> : null}
      <div ref={scroller} role="rowgroup" className="min-h-0 flex-1 overflow-y-auto [scrollbar-gutter:stable]">
        <div role="presentation" className="relative" style={{ height: virtualizer.getTotalSize() + (layout === "cards" ? cardGapPx : 0) }}>
          {virtualizer.getVirtualItems().map((item) => {
            const line = lines[item.index];
            return line === undefined ? null : (
              <div
                key={item.key}
                role="presentation"
                className="absolute top-0 left-0 w-full"
                style={{ height: item.size, transform: `translateY(${item.start}px)` }}
              >
                {line.kind === "group" ? (
                  <GroupLine name={line.key} count={line.count} />
                ) : layout === "cards" ? (
                  <div role="row" className="grid gap-3 px-4 pt-3" style={{ gridTemplateColumns: `repeat(${lanes}, minmax(0, 1fr))` }}>
                    {line.rows.map((row) => (
                      <Card key={row.id} {...itemProps(props, row, currentId, selectedIds)} />
                    ))}
                  </div>
                ) : (
                  line.rows.map((row) => <ListRow key={row.id} {...itemProps(props, row, currentId, selectedIds)} />)
                )}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

function itemProps(
  { nowMs, editors, ask, onSelect, onPoint }: VirtualListProps,
  row: EnvironmentRow,
  currentId: string | undefined,
  selectedIds: ReadonlySet<string>,
): ItemProps {
  return { nowMs, editors, ask, onSelect, onPoint, row, current: row.id === currentId, selected: selectedIds.has(row.id) };
}

function linesOf(groups: readonly RowGroup[], lanes: number): Line[] {
  return groups.flatMap(({ key, rows }) => {
    const chunks = Array.from({ length: Math.ceil(rows.length / lanes) }, (_, n): Line => ({
      kind: "rows",
      rows: rows.slice(n * lanes, (n + 1) * lanes),
    }));
    return groups.length === 1 && key === "" ? chunks : [{ kind: "group" as const, key, count: rows.length }, ...chunks];
  });
}

function Header({ groups, selectedIds, onSelectAll }: VirtualListProps) {
  const { environments } = useStrings();
  const words = environments.columns;
  const total = groups.reduce((sum, group) => sum + group.rows.length, 0);
  const all = selectedIds.size > 0 && selectedIds.size === total;
  return (
    <div role="rowgroup" className="shrink-0 overflow-hidden border-b [scrollbar-gutter:stable]">
      <div role="row" className="flex h-8 items-center gap-3 px-4 text-sm text-muted">
        <span role="columnheader" className={columns.select}>
          <Checkbox checked={all} indeterminate={selectedIds.size > 0 && !all} onToggle={onSelectAll} aria-label={environments.selectAll} />
        </span>
        <span role="columnheader" className={columns.name}>
          {words.name}
        </span>
        <span role="columnheader" className={columns.state}>
          {words.state}
        </span>
        <span role="columnheader" className={columns.branch}>
          {words.branch}
        </span>
        <span role="columnheader" className={columns.work}>
          {words.work}
        </span>
        <span role="columnheader" className={columns.ports}>
          {words.ports}
        </span>
        <span role="columnheader" className={columns.machine}>
          {words.machine}
        </span>
        <span role="columnheader" className={columns.age}>
          {words.age}
        </span>
        <span role="columnheader" className={columns.actions}>
          <span className="sr-only">{words.actions}</span>
        </span>
      </div>
    </div>
  );
}

function GroupLine({ name, count }: { readonly name: string; readonly count: number }) {
  const { environments } = useStrings();
  const state = rowStates.find((known) => known === name);
  return (
    <div role="row" className="flex h-8 items-center gap-2 border-b bg-sunken px-4">
      <span role="gridcell" className="flex min-w-0 gap-2">
        <span className="truncate font-medium">{state === undefined ? groupName(name, environments) : environments.states[state]}</span>
        <span className="text-muted tabular-nums">{count}</span>
      </span>
    </div>
  );
}

/** Of a project, or of those that share a machine or have their own. */
function groupName(name: string, words: Strings["environments"]): string {
  if (name === "shared" || name === "own") return words.machineGroups[name];
  return name === "" ? words.noProject : name;
}

function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const target = element.current;
    if (target === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(target.clientWidth));
    observer.observe(target);
    return () => observer.disconnect();
  }, [element]);
  return width;
}

/** After a move by keyboard the current row comes into sight, and the focus with it. */
function useShowCurrent({
  scroller,
  lines,
  currentId,
  moves,
  scrollTo,
}: {
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly lines: readonly Line[];
  readonly currentId: string | undefined;
  readonly moves: number;
  readonly scrollTo: (index: number) => void;
}): void {
  const shown = useRef(moves);
  useEffect(() => {
    if (moves === shown.current || currentId === undefined) return;
    const index = lines.findIndex((line) => line.kind === "rows" && line.rows.some((row) => row.id === currentId));
    if (index >= 0) scrollTo(index);
    const row = scroller.current?.querySelector<HTMLElement>(`[data-row="${CSS.escape(currentId)}"]`);
    // A row far away is drawn only once the scrolling has come to it, and this effect runs again then.
    if (row === null || row === undefined) return;
    row.focus({ preventScroll: true });
    shown.current = moves;
  });
}
