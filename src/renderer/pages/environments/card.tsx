import { memo } from "react";
import { useStrings } from "../../app/context.ts";
import { RowMenu } from "../../environments/row-menu.tsx";
import { Age, Branch, Ports, Project, Work } from "../../environments/row-parts.tsx";
import { StateLabel } from "../../environments/state-label.tsx";
import { Checkbox } from "../../ui/checkbox.tsx";
import { cx } from "../../ui/cx.ts";
import { Link } from "../../ui/link.tsx";
import { type ItemProps, MainButton } from "./list-row.tsx";

export const Card = memo(function Card({ row, current, selected, nowMs, editors, ask, onSelect, onPoint }: ItemProps) {
  const { environments } = useStrings();
  return (
    <div
      role="gridcell"
      data-row={row.id}
      tabIndex={current ? 0 : -1}
      onFocus={() => onPoint(row.id)}
      className={cx(
        "flex h-34 min-w-0 flex-1 flex-col gap-1 rounded-md border p-3",
        selected ? "bg-selected" : "bg-raised hover:bg-hover",
        current && "border-accent",
      )}
    >
      <div className="flex items-center gap-2">
        <Checkbox checked={selected} onToggle={(on) => onSelect(row.id, on)} aria-label={environments.select(row.name)} tabIndex={-1} />
        <Link
          to={{ page: "environment", id: row.id, tab: "overview" }}
          tabIndex={-1}
          className="min-w-0 flex-1 truncate font-medium hover:underline"
        >
          {row.name}
        </Link>
        <span className="-my-1 -mr-1 flex">
          <MainButton row={row} ask={ask} />
          <RowMenu row={row} editors={editors} ask={ask} />
        </span>
      </div>
      <Project row={row} />
      <div className="flex-1 pt-1">
        <StateLabel row={row} />
      </div>
      <div className="flex items-center gap-3">
        <Branch row={row} />
        <Work row={row} />
        <Ports row={row} />
        <span className="flex-1" />
        <span className="shrink-0 text-sm">
          <Age row={row} nowMs={nowMs} />
        </span>
      </div>
    </div>
  );
});
