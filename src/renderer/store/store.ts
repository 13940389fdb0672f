import { Code, ConnectError } from "@connectrpc/connect";
import { createStore, type StoreApi } from "zustand/vanilla";
import type { WatchResponse } from "../../contract/gen/berth/v1/host_pb.js";
import { afterWatch, nothingWatched, WatchGap, type WatchState } from "./watch-state.ts";

const minRetryMs = 250;
/** The host is on this computer, so asking often costs nothing. */
const maxRetryMs = 3000;

/** `refused`: this browser has no session; it needs a new link. */
export type Connection = "connecting" | "online" | "offline" | "refused";

export interface AppState extends WatchState {
  readonly connection: Connection;
}

export type AppStore = StoreApi<AppState>;

export function createAppStore(): AppStore {
  return createStore<AppState>(() => ({ ...nothingWatched, connection: "connecting" }));
}

export interface WatchOptions {
  readonly store: AppStore;
  readonly watch: (fromSequence: bigint, signal: AbortSignal) => AsyncIterable<WatchResponse>;
  /** Resolves after a time, or at once when there is reason to try again, e.g. the computer woke up. */
  readonly pause: (durationMs: number, signal: AbortSignal) => Promise<void>;
}

/** Keeps the store fed until the signal aborts: goes on where it was, and from 0 when something was lost. */
export async function keepWatching({ store, watch, pause }: WatchOptions, signal: AbortSignal): Promise<void> {
  let retryMs = minRetryMs;
  let from = 0n;
  while (!signal.aborted) {
    try {
      for await (const response of watch(from, signal)) {
        retryMs = minRetryMs;
        store.setState({ ...afterWatch(store.getState(), response), connection: "online" });
        from = response.sequence;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof WatchGap) {
        from = 0n;
        continue;
      }
      if (ConnectError.from(error).code === Code.Unauthenticated) {
        store.setState({ connection: "refused" });
        return;
      }
    }
    if (signal.aborted) return;
    store.setState((state) => ({ connection: state.known ? "offline" : "connecting" }));
    await pause(retryMs, signal);
    retryMs = Math.min(maxRetryMs, retryMs * 2);
  }
}

/** Waits in a browser: over as soon as the network or the window comes back. */
export async function pauseInBrowser(durationMs: number, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  await new Promise<void>((resolve) => {
    const end = (): void => {
      over.abort();
      resolve();
    };
    const timer = setTimeout(end, durationMs);
    over.signal.addEventListener("abort", () => clearTimeout(timer));
    for (const name of ["online", "focus"]) window.addEventListener(name, end, { signal: over.signal });
    signal.addEventListener("abort", end, { signal: over.signal });
  });
}
