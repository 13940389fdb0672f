/** A host that ends so often within the window does not get better by itself. */
const maxEnds = 5;
const windowMs = 5 * 60_000;
const firstDelayMs = 500;
const maxDelayMs = 10_000;

export type RestartDecision =
  | { readonly kind: "restart"; readonly delayMs: number; readonly recentEnds: number }
  | { readonly kind: "give-up"; readonly recentEnds: number };

/** Whether and when a program that ended by itself is started again. `endsMs` holds every end so far, the last one too. */
export function decideRestart(endsMs: readonly number[], nowMs: number): RestartDecision {
  const recentEnds = endsMs.filter((end) => nowMs - end < windowMs).length;
  if (recentEnds > maxEnds) return { kind: "give-up", recentEnds };
  return { kind: "restart", delayMs: Math.min(maxDelayMs, firstDelayMs * 2 ** Math.max(0, recentEnds - 1)), recentEnds };
}
