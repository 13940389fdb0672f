import { useCallback, useEffect, useMemo, useRef, useState } from "react";
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

interface State<Value> {
  readonly value: Value | undefined;
  readonly error: BerthError | undefined;
  /** The question that was answered last. */
  readonly answered: unknown;
}

/** Asks once when the screen comes and again when told to. `ask` is to be memoized; a new one asks anew. */
export function useCall<Value>(ask: (signal: AbortSignal) => Promise<Value>): Call<Value> {
  const [round, setRound] = useState(0);
  // A question is one function at one time; until its answer came, what is shown is that of another.
  const question = useMemo(() => ({ ask, round }), [ask, round]);
  const [state, setState] = useState<State<Value>>({ value: undefined, error: undefined, answered: undefined });
  const asking = useRef<AbortController>(undefined);
  useEffect(() => {
    const mine = new AbortController();
    asking.current = mine;
    question.ask(mine.signal).then(
      (value) => {
        if (!mine.signal.aborted) setState({ value, error: undefined, answered: question });
      },
      (error: unknown) => {
        if (!mine.signal.aborted) setState((before) => ({ ...before, error: fromConnectError(error), answered: question }));
      },
    );
    return () => mine.abort();
  }, [question]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  const set = useCallback(
    (value: Value) => {
      asking.current?.abort();
      setState({ value, error: undefined, answered: question });
    },
    [question],
  );
  return { value: state.value, error: state.error, busy: state.answered !== question, reload, set };
}
