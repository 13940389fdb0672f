import type { HTMLAttributes, ReactNode } from "react";
import { cx } from "./cx.ts";

/** Rows of a name and what it is; for facts that are read, not worked with. */
export function Facts({ rows }: { readonly rows: readonly { readonly name: string; readonly value: ReactNode }[] }) {
  return (
    <dl className="divide-y rounded-md border">
      {rows.map(({ name, value }) => (
        <div key={name} className="flex min-h-8 items-center gap-4 px-3 py-1.5">
          <dt className="w-44 shrink-0 text-muted">{name}</dt>
          <dd className="min-w-0 flex-1 break-words select-text">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export interface RowProps extends HTMLAttributes<HTMLDivElement> {
  readonly selected?: boolean;
  readonly current?: boolean;
}

/** One line of a list. `current` is where the keyboard is; `selected` is what was picked. */
export function Row({ selected = false, current = false, className, ...rest }: RowProps) {
  return (
    <div
      {...rest}
      className={cx(
        "flex items-center gap-3 border-b px-4",
        selected ? "bg-selected" : current ? "bg-hover" : "hover:bg-hover",
        current && "shadow-[inset_2px_0_0_var(--accent)]",
        className,
      )}
    />
  );
}
