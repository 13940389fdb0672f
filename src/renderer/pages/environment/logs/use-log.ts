import { useEffect, useState } from "react";
import type { BerthError } from "../../../../contract/berth-error.ts";
import { fromConnectError } from "../../../../contract/connect-error.ts";
import { useApp } from "../../../app/context.ts";
import { LogText } from "./log-text.ts";

/** How often what came is drawn: often enough to look alive, seldom enough for a build that prints all the time. */
const drawIntervalMs = 100;

export interface LogState {
  readonly lines: readonly string[];
  readonly droppedLines: number;
  readonly loading: boolean;
  readonly error: BerthError | undefined;
}

export interface LogRange {
  readonly environmentId: string;
  readonly from: bigint;
  /** Where it ends; to the log's own end without it. */
  readonly to?: bigint | undefined;
  /** Goes on as long as the log grows. */
  readonly follow: boolean;
  /** A new one reads again. */
  readonly generation: string;
}

/** State of one range; that of another one is not shown. */
interface RangeState extends LogState {
  readonly range: string;
}

const nothing: LogState = { lines: [], droppedLines: 0, loading: true, error: undefined };

/** A part of an environment's log, and what is added to it. */
export function useLog({ environmentId, from, to, follow, generation }: LogRange): LogState {
  const { clients } = useApp();
  const range = [environmentId, from, to, follow, generation].join(" ");
  const [state, setState] = useState<RangeState>({ ...nothing, range });
  useEffect(() => {
    const ended = new AbortController();
    const text = new LogText();
    let drawing: ReturnType<typeof setTimeout> | undefined;
    const draw = (more: Partial<LogState>): void => {
      clearTimeout(drawing);
      drawing = undefined;
      if (!ended.signal.aborted)
        setState({ range, lines: text.lines(), droppedLines: text.droppedLines, loading: true, error: undefined, ...more });
    };
    const read = async (): Promise<void> => {
      for await (const { offset, data } of clients.workspaces.watchLog({ environmentId, offset: from, follow }, { signal: ended.signal })) {
        const room = to === undefined ? data.length : Number(to - offset);
        if (room > 0) text.push(data.subarray(0, room));
        if (room <= data.length && to !== undefined) return;
        drawing ??= setTimeout(() => draw({}), drawIntervalMs);
      }
    };
    read().then(
      () => draw({ loading: false }),
      (failure: unknown) => {
        if (!ended.signal.aborted) draw({ loading: false, error: fromConnectError(failure) });
      },
    );
    return () => {
      ended.abort();
      clearTimeout(drawing);
    };
  }, [clients, environmentId, from, to, follow, range]);
  return state.range === range ? state : nothing;
}
