import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useRef } from "react";
import { cx } from "../../ui/cx.ts";

const rowHeightPx = 48;
const overscan = 4;
/** So many rows before the end more are asked for. */
const moreAhead = 20;

/** The keyboard scrolls the rows where none of them can be focused. */
const byKeyboard = { tabIndex: 0 } as const;

export interface Column<Row> {
  readonly id: string;
  readonly header: string;
  /** Its width, and from which width of the table on it is there. */
  readonly className: string;
  /** Its header is for screen readers alone. */
  readonly quietHeader?: boolean;
  readonly cell: (row: Row) => ReactNode;
}

/** Rows of any number: those in sight are drawn, and more are asked for as one comes to the end. */
export function DataTable<Row>({
  label,
  columns,
  rows,
  keyOf,
  total,
  onEnd,
}: {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** How many there are in all, where it is known. */
  readonly total: number | undefined;
  readonly onEnd: () => void;
}) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeightPx,
    overscan,
  });
  const items = virtualizer.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (rows.length > 0 && last >= rows.length - moreAhead) onEnd();
  });
  return (
    <div role="table" aria-label={label} aria-rowcount={total ?? -1} className="@container flex min-h-0 flex-1 flex-col border-t">
      <div role="rowgroup" className="shrink-0 overflow-hidden border-b [scrollbar-gutter:stable]">
        <div role="row" className="flex h-8 items-center gap-3 px-4 text-sm text-muted">
          {columns.map(({ id, header, className, quietHeader = false }) => (
            <span key={id} role="columnheader" className={className}>
              {quietHeader ? <span className="sr-only">{header}</span> : header}
            </span>
          ))}
        </div>
      </div>
      <div
        ref={scroller}
        role="rowgroup"
        {...byKeyboard}
        className="min-h-0 flex-1 overflow-y-auto -outline-offset-2 [scrollbar-gutter:stable]"
      >
        <div role="presentation" className="relative" style={{ height: virtualizer.getTotalSize() }}>
          {items.map((item) => {
            const row = rows[item.index];
            return row === undefined ? null : (
              <div
                key={keyOf(row)}
                role="row"
                aria-rowindex={item.index + 1}
                className="absolute top-0 left-0 flex w-full items-center gap-3 border-b px-4 hover:bg-hover"
                style={{ height: item.size, transform: `translateY(${item.start}px)` }}
              >
                {columns.map(({ id, className, cell }) => (
                  <span key={id} role="cell" className={cx("min-w-0", className)}>
                    {cell(row)}
                  </span>
                ))}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

/** What a row is called, and a fact about it below. */
export function TwoLines({ first, second, title }: { readonly first: ReactNode; readonly second: ReactNode; readonly title?: string }) {
  return (
    <span className="flex min-w-0 flex-col" title={title}>
      <span className="truncate font-medium select-text">{first}</span>
      <span className="truncate text-sm text-muted select-text">{second}</span>
    </span>
  );
}
