import { useMemo, useState } from "react";
import { useAppState, usePreferences } from "../../app/context.ts";
import { arrange, type RowFilter, type RowGroup } from "../../environments/arrange.ts";
import { type EnvironmentRow, rowOf } from "../../environments/environment-row.ts";
import type { EnvironmentView } from "../../store/watch-state.ts";

export interface Rows {
  /** Nothing is known yet. */
  readonly loading: boolean;
  readonly all: readonly EnvironmentRow[];
  readonly groups: readonly RowGroup[];
  /** What is shown, in its order. */
  readonly shown: readonly EnvironmentRow[];
}

/** A row is made once of each view. */
class RowCache {
  readonly #rows = new WeakMap<EnvironmentView, EnvironmentRow>();

  rowOf(view: EnvironmentView): EnvironmentRow {
    const row = this.#rows.get(view) ?? rowOf(view);
    this.#rows.set(view, row);
    return row;
  }
}

/** The rows as they are to be shown. A row stays the same object while its environment does, and is not drawn again. */
export function useRows(finding: { readonly search: string; readonly filter: RowFilter }): Rows {
  const environments = useAppState((state) => state.environments);
  const loading = useAppState((state) => !state.known);
  const { groupBy, sortBy } = usePreferences();
  const [cache] = useState(() => new RowCache());
  const all = useMemo(() => [...environments.values()].map((view) => cache.rowOf(view)), [environments, cache]);
  const { search, filter } = finding;
  const groups = useMemo(() => arrange(all, { search, filter, groupBy, sortBy }), [all, search, filter, groupBy, sortBy]);
  const shown = useMemo(() => groups.flatMap((group) => group.rows), [groups]);
  return { loading, all, groups, shown };
}
