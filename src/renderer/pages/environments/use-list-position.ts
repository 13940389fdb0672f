import { type RefObject, useCallback, useMemo, useRef, useState } from "react";
import type { EnvironmentRow } from "../../environments/environment-row.ts";
import type { ListHands } from "./list-commands.ts";

export interface ListPosition {
  /** Where the keyboard is. */
  readonly current: EnvironmentRow | undefined;
  readonly selectedIds: ReadonlySet<string>;
  readonly selectedRows: readonly EnvironmentRow[];
  readonly moves: number;
  readonly perLine: RefObject<number>;
  readonly select: (id: string, selected: boolean) => void;
  readonly selectAll: (selected: boolean) => void;
  readonly point: (id: string) => void;
  readonly hands: Pick<ListHands, "move" | "moveLine" | "toggle" | "selectAll" | "clear">;
}

/** Where one is in the list and what is picked. What is not shown any more is not picked any more. */
export function useListPosition(shown: readonly EnvironmentRow[]): ListPosition {
  const [currentId, setCurrentId] = useState<string | undefined>();
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const [moves, setMoves] = useState(0);
  const perLine = useRef(1);
  const at = shown.findIndex((row) => row.id === currentId);
  const current = shown[at] ?? shown[0];
  const selectedRows = useMemo(() => shown.filter((row) => picked.has(row.id)), [shown, picked]);
  const selectedIds = useMemo(() => new Set(selectedRows.map((row) => row.id)), [selectedRows]);
  const select = useCallback((id: string, selected: boolean) => {
    setPicked((before) => {
      const after = new Set(before);
      if (selected) after.add(id);
      else after.delete(id);
      return after;
    });
  }, []);
  const move = (step: number | "first" | "last"): void => {
    const last = shown.length - 1;
    // The first press goes to the first row and not past it.
    const wanted = step === "first" ? 0 : step === "last" ? last : at < 0 ? 0 : at + step;
    const next = shown[Math.max(0, Math.min(last, wanted))];
    if (next === undefined) return;
    setCurrentId(next.id);
    setMoves((n) => n + 1);
  };
  const all = (selected: boolean): void => setPicked(selected ? new Set(shown.map((row) => row.id)) : new Set());
  return {
    current,
    selectedIds,
    selectedRows,
    moves,
    perLine,
    select,
    selectAll: all,
    point: setCurrentId,
    hands: {
      move,
      moveLine: (step) => move(step * perLine.current),
      toggle: () => current !== undefined && select(current.id, !picked.has(current.id)),
      selectAll: () => all(true),
      clear: () => all(false),
    },
  };
}
