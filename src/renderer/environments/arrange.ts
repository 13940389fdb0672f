import type { Preferences } from "../store/preferences.ts";
import { type EnvironmentRow, rowStates } from "./environment-row.ts";

export const rowFilters = ["all", "running", "stopped", "attention", "unsaved"] as const;
export type RowFilter = (typeof rowFilters)[number];

export interface RowGroup {
  /** Empty where nothing is grouped. */
  readonly key: string;
  readonly rows: readonly EnvironmentRow[];
}

export interface Arrangement extends Pick<Preferences, "groupBy" | "sortBy"> {
  readonly search: string;
  readonly filter: RowFilter;
}

/** The rows as they are to be shown: found, filtered, sorted, in groups. Pure. */
export function arrange(rows: readonly EnvironmentRow[], { search, filter, groupBy, sortBy }: Arrangement): RowGroup[] {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const found = rows
    .filter((row) => passes(row, filter) && words.every((word) => row.searched.includes(word)))
    .toSorted((a, b) => compare(a, b, sortBy) || a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1));
  if (groupBy === "none") return found.length === 0 ? [] : [{ key: "", rows: found }];
  const groups = [...Map.groupBy(found, (row) => row[groupBy])].map(([key, members]) => ({ key, rows: members }));
  return groupBy === "state"
    ? groups.toSorted((a, b) => stateRank(a.key) - stateRank(b.key))
    : groups.toSorted((a, b) => a.key.localeCompare(b.key));
}

function passes(row: EnvironmentRow, filter: RowFilter): boolean {
  switch (filter) {
    case "all":
      return true;
    case "running":
      return ["running", "recovery", "choice", "starting"].includes(row.state);
    case "stopped":
      return ["stopped", "stopping", "failed"].includes(row.state);
    case "attention":
      return ["failed", "recovery", "choice"].includes(row.state);
    case "unsaved":
      return row.changed + row.unpushed > 0;
  }
}

function compare(a: EnvironmentRow, b: EnvironmentRow, by: Arrangement["sortBy"]): number {
  switch (by) {
    case "activity":
      return b.activityMs - a.activityMs;
    case "created":
      return b.createdMs - a.createdMs;
    case "name":
      return a.name.localeCompare(b.name);
    case "state":
      return stateRank(a.state) - stateRank(b.state);
  }
}

function stateRank(state: string): number {
  return rowStates.findIndex((known) => known === state);
}
