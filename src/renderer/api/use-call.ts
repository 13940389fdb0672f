import { useCallback, useEffect, useRef, useState } from "react";
import type { BerthError } from "../../contract/berth-error.ts";
import { fromConnectError } from "../../contract/connect-error.ts";

/** What a call gave. While it is asked again the last answer stays. */
export interface Call<Value> {
  readonly value: Value | undefined;
  readonly error: BerthError | undefined;
  readonly busy: boolean;
  /** Asks again. */
  readonly reload: () => void;
  /** Puts an answer in the place of the last, e.g. one that came with a change. */
  readonly set: (value: Value) => void;
}

/** Asks once when the screen comes and again when told to. `ask` is to be memoized; a new one asks anew. */
export function useCall<Value>(ask: (signal: AbortSignal) => Promise<Value>): Call<Value> {
  const [state, setState] = useState<Pick<Call<Value>, "value" | "error" | "busy">>({ value: undefined, error: undefined, busy: true });
  const [round, setRound] = useState(0);
  const asking = useRef<AbortController>(undefined);
  useEffect(() => {
    const mine = new AbortController();
    asking.current = mine;
    ask(mine.signal).then(
      (value) => {
        if (!mine.signal.aborted) setState({ value, error: undefined, busy: false });
      },
      (error: unknown) => {
        if (!mine.signal.aborted) setState((before) => ({ ...before, error: fromConnectError(error), busy: false }));
      },
    );
    return () => mine.abort();
  }, [ask, round]);
  const reload = useCallback(() => {
    setState((before) => ({ ...before, busy: true }));
    setRound((before) => before + 1);
  }, []);
  const set = useCallback((value: Value) => {
    asking.current?.abort();
    setState({ value, error: undefined, busy: false });
  }, []);
  return { ...state, reload, set };
}
