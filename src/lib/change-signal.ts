/** Turns a listener into something to await; changes between two waits count as one. An aborted signal counts as a change. */
export interface ChangeSignal {
  next(): Promise<void>;
  close(): void;
}

/** Subscribes at once, so that no change between now and the first wait is missed. */
export function changeSignal(subscribe: (listener: () => void) => () => void, signal: AbortSignal): ChangeSignal {
  let pending = signal.aborted;
  let wake: (() => void) | undefined;
  const notify = (): void => {
    pending = true;
    wake?.();
  };
  const unsubscribe = subscribe(notify);
  signal.addEventListener("abort", notify);
  return {
    next: async () => {
      if (!pending) await new Promise<void>((resolve) => (wake = resolve));
      wake = undefined;
      pending = false;
    },
    close: () => {
      unsubscribe();
      signal.removeEventListener("abort", notify);
    },
  };
}
