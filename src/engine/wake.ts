/** Whoever uses a suspended machine waits this long for it, also when it must be booted instead. */
const wakeTimeoutMs = 180_000;

/** What wakes a machine needs of its keeper. */
export interface Sleeper {
  readonly view: string;
  start(): void;
  onChange(listener: () => void): () => void;
}

/** Starts a suspended machine and waits until it is ready or has failed; at once when it does not sleep. Fails when the signal aborts. */
export async function wake(machine: Sleeper, signal: AbortSignal): Promise<void> {
  const woken = Promise.withResolvers<void>();
  const limit = AbortSignal.any([signal, AbortSignal.timeout(wakeTimeoutMs)]);
  const look = (): void => {
    if (machine.view !== "asleep") return woken.resolve();
    // While it is still falling asleep this does nothing; the change that follows comes here again.
    machine.start();
  };
  const onAbort = (): void => woken.reject(limit.reason);
  const unsubscribe = machine.onChange(look);
  limit.addEventListener("abort", onAbort, { once: true });
  try {
    look();
    await woken.promise;
  } finally {
    unsubscribe();
    limit.removeEventListener("abort", onAbort);
  }
}
