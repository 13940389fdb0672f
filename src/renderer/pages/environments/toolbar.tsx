import { LayoutGrid, List, Play, Search, Square, Trash2, X } from "lucide-react";
import type { RefObject } from "react";
import { useApp, usePreferences, useStrings } from "../../app/context.ts";
import type { BulkAction } from "../../environments/actions.ts";
import { type RowFilter, rowFilters } from "../../environments/arrange.ts";
import type { EnvironmentRow } from "../../environments/environment-row.ts";
import { type Question, useActions, useWhyNot } from "../../environments/row-menu.tsx";
import { Button, IconButton } from "../../ui/button.tsx";
import { Input } from "../../ui/input.tsx";
import { Select } from "../../ui/select.tsx";

const groupings = ["none", "project", "state", "machine"] as const;
const orders = ["activity", "name", "created", "state"] as const;

export interface Finding {
  readonly search: string;
  readonly filter: RowFilter;
}

/** Finding and arranging. */
export function Toolbar({
  finding,
  onFind,
  searchBox,
  onLeaveSearch,
  shown,
  all,
}: {
  readonly finding: Finding;
  readonly onFind: (finding: Finding) => void;
  readonly searchBox: RefObject<HTMLInputElement | null>;
  readonly onLeaveSearch: () => void;
  readonly shown: number;
  readonly all: number;
}) {
  const { environments } = useStrings();
  const { preferences } = useApp();
  const { layout, groupBy, sortBy } = usePreferences();
  return (
    <div className="flex shrink-0 flex-wrap items-center gap-2 border-b px-4 py-2">
      <div className="relative max-w-80 min-w-40 flex-1">
        <Search size={14} aria-hidden className="absolute top-1.75 left-2 text-muted" />
        <Input
          ref={searchBox}
          type="search"
          aria-label={environments.search}
          placeholder={environments.search}
          value={finding.search}
          onChange={(event) => onFind({ ...finding, search: event.target.value })}
          onKeyDown={(event) => {
            if (event.key === "Escape" && finding.search !== "") onFind({ ...finding, search: "" });
            else if (["ArrowDown", "Enter", "Escape"].includes(event.key)) onLeaveSearch();
            else return;
            event.preventDefault();
          }}
          className="pl-7"
        />
      </div>
      <span role="status" className="text-sm text-muted tabular-nums">
        {environments.countOf(shown, all)}
      </span>
      <span className="flex-1" />
      <Select
        label={environments.filter}
        value={finding.filter}
        options={rowFilters.map((value) => ({ value, label: environments.filters[value] }))}
        onChange={(filter) => onFind({ ...finding, filter })}
      />
      <Select
        label={environments.groupBy}
        value={groupBy}
        options={groupings.map((value) => ({ value, label: environments.groups[value] }))}
        onChange={(value) => preferences.setState({ groupBy: value })}
      />
      <Select
        label={environments.sortBy}
        value={sortBy}
        options={orders.map((value) => ({ value, label: environments.sorts[value] }))}
        onChange={(value) => preferences.setState({ sortBy: value })}
      />
      <IconButton
        icon={layout === "list" ? LayoutGrid : List}
        label={layout === "list" ? environments.asCards : environments.asList}
        kind="secondary"
        onClick={() => preferences.setState({ layout: layout === "list" ? "cards" : "list" })}
      />
    </div>
  );
}

/** What can be done with all that are selected. */
export function SelectionBar({
  rows,
  onClear,
  ask,
}: {
  readonly rows: readonly EnvironmentRow[];
  readonly onClear: () => void;
  readonly ask: (question: Question) => void;
}) {
  const { environments } = useStrings();
  const actions = useActions();
  const whyNot = useWhyNot();
  const able = (action: BulkAction): EnvironmentRow[] => rows.filter((row) => whyNot(action, row) === undefined);
  const [toStart, toStop, toDelete] = [able("start"), able("stop"), able("delete")];
  const reason = (some: readonly EnvironmentRow[]): string | undefined => (some.length === 0 ? environments.none : undefined);
  const words = environments.actions;
  return (
    <div
      role="toolbar"
      aria-label={environments.selected(rows.length)}
      className="flex h-11 shrink-0 items-center gap-2 border-b bg-selected px-4"
    >
      <IconButton icon={X} label={environments.clearSelection} onClick={onClear} />
      <span className="font-medium tabular-nums">{environments.selected(rows.length)}</span>
      <span className="flex-1" />
      <Button icon={Play} disabledReason={reason(toStart)} onClick={() => void actions.start(toStart.map((row) => row.id))}>
        {words.start} {toStart.length}
      </Button>
      <Button icon={Square} disabledReason={reason(toStop)} onClick={() => void actions.stop(toStop.map((row) => row.id))}>
        {words.stop} {toStop.length}
      </Button>
      <Button icon={Trash2} kind="danger" disabledReason={reason(toDelete)} onClick={() => ask({ kind: "delete", rows: toDelete })}>
        {words.delete} {toDelete.length}
      </Button>
    </div>
  );
}
