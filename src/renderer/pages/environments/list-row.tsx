import { ListChecks, Play } from "lucide-react";
import { memo } from "react";
import type { Editor } from "../../../contract/gen/gitpod/v1/editor_pb.js";
import { useApp, useStrings } from "../../app/context.ts";
import type { EnvironmentRow } from "../../environments/environment-row.ts";
import { type Question, RowMenu, useActions, useWhyNot } from "../../environments/row-menu.tsx";
import { Age, Branch, Ports, Project, Work } from "../../environments/row-parts.tsx";
import { StateLabel } from "../../environments/state-label.tsx";
import { IconButton } from "../../ui/button.tsx";
import { Checkbox } from "../../ui/checkbox.tsx";
import { Link } from "../../ui/link.tsx";
import { Row } from "../../ui/row.tsx";

/** How wide each column is; hidden ones come back as the window grows. */
export const columns = {
  select: "flex w-4 shrink-0",
  name: "min-w-0 flex-[3]",
  state: "min-w-0 flex-[2.4]",
  branch: "min-w-0 flex-[1.5] @max-3xl:hidden",
  work: "w-20 shrink-0",
  ports: "w-28 shrink-0 @max-2xl:hidden",
  machine: "w-20 shrink-0 truncate text-muted @max-5xl:hidden",
  age: "w-24 shrink-0 truncate @max-4xl:hidden",
  actions: "flex w-16 shrink-0 justify-end",
} as const;

export interface ItemProps {
  readonly row: EnvironmentRow;
  readonly current: boolean;
  readonly selected: boolean;
  readonly nowMs: number;
  readonly editors: readonly Editor[];
  readonly ask: (question: Question) => void;
  readonly onSelect: (id: string, selected: boolean) => void;
  readonly onPoint: (id: string) => void;
}

export const ListRow = memo(function ListRow({ row, current, selected, nowMs, editors, ask, onSelect, onPoint }: ItemProps) {
  const { environments } = useStrings();
  const { router } = useApp();
  const open = (): void => router.go({ page: "environment", id: row.id, tab: "overview" });
  return (
    <Row
      role="row"
      aria-selected={selected}
      data-row={row.id}
      tabIndex={current ? 0 : -1}
      current={current}
      selected={selected}
      onFocus={() => onPoint(row.id)}
      onDoubleClick={open}
      className="h-12 -outline-offset-2"
    >
      <span role="gridcell" className={columns.select}>
        <Checkbox checked={selected} onToggle={(on) => onSelect(row.id, on)} aria-label={environments.select(row.name)} tabIndex={-1} />
      </span>
      <span role="gridcell" className={`flex flex-col ${columns.name}`}>
        <Link to={{ page: "environment", id: row.id, tab: "overview" }} tabIndex={-1} className="truncate font-medium hover:underline">
          {row.name}
        </Link>
        <Project row={row} />
      </span>
      <span role="gridcell" className={columns.state}>
        <StateLabel row={row} />
      </span>
      <span role="gridcell" className={columns.branch}>
        <Branch row={row} />
      </span>
      <span role="gridcell" className={columns.work}>
        <Work row={row} />
      </span>
      <span role="gridcell" className={columns.ports}>
        <Ports row={row} />
      </span>
      <span role="gridcell" className={columns.machine}>
        {environments.machines[row.machine]}
      </span>
      <span role="gridcell" className={columns.age}>
        <Age row={row} nowMs={nowMs} />
      </span>
      <span role="gridcell" className={columns.actions}>
        <MainButton row={row} ask={ask} />
        <RowMenu row={row} editors={editors} ask={ask} />
      </span>
    </Row>
  );
});

/** The one thing a person wants of what does not run. */
export function MainButton({ row, ask }: { readonly row: EnvironmentRow; readonly ask: (question: Question) => void }) {
  const { environments } = useStrings();
  const actions = useActions();
  const whyNot = useWhyNot()("start", row);
  if (row.state === "choice")
    return (
      <IconButton
        icon={ListChecks}
        label={environments.onOne(environments.actions.choose, row.name)}
        onClick={() => ask({ kind: "choice", row })}
      />
    );
  if (whyNot !== undefined) return null;
  return (
    <IconButton icon={Play} label={environments.onOne(environments.actions.start, row.name)} onClick={() => void actions.start([row.id])} />
  );
}
