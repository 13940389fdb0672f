/** Time, injected so that tests can move it. */
export interface Clock {
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** Calls back once, after the delay; the returned function cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

/** The computer's own. Its timers keep no process alive. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs).unref();
    return () => clearTimeout(timer);
  },
};

/** Resolves after the delay, or at once when the signal aborts. */
export async function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.after(delayMs, done);
    signal.addEventListener("abort", done);
  });
}

/** A signal that aborts with the parent, or after a time, with a `TimeoutError` as its reason then. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  /** Begins the time anew. */
  restart(): void;
}

export function deadline(clock: Clock, delayMs: number, parent?: AbortSignal): Deadline {
  const controller = new AbortController();
  const onTime = (): void => controller.abort(new DOMException(`not done within ${delayMs} ms`, "TimeoutError"));
  const onParent = (): void => controller.abort(parent?.reason);
  let cancel = clock.after(delayMs, onTime);
  if (parent?.aborted === true) onParent();
  parent?.addEventListener("abort", onParent);
  return {
    signal: controller.signal,
    restart: () => {
      cancel();
      cancel = clock.after(delayMs, onTime);
    },
    [Symbol.dispose]: () => {
      cancel();
      parent?.removeEventListener("abort", onParent);
    },
  };
}
