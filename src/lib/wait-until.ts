/** Looks at a condition until it holds; false when the signal aborted first. */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  options: { readonly intervalMs: number; readonly signal: AbortSignal },
): Promise<boolean> {
  for (;;) {
    if (await condition()) return true;
    if (options.signal.aborted) return false;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        options.signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, options.intervalMs);
      options.signal.addEventListener("abort", done);
    });
  }
}
