import { setTimeout as delay } from "node:timers/promises";
import type { WatchResponse } from "../contract/gen/berth/v1/host_pb.js";
import { applyWatch, emptyState, type ShellState } from "./shell-state.ts";

const firstPauseMs = 250;
const maxPauseMs = 5000;

export interface ShellWatchOptions {
  readonly watch: (signal: AbortSignal) => AsyncIterable<WatchResponse>;
  readonly whenHostSettled: (signal: AbortSignal) => Promise<void>;
  readonly onState: (state: ShellState) => void;
}

/** Keeps the state of menus and notifications like the host's, over lost connections, until the signal aborts. */
export async function keepShellState({ watch, whenHostSettled, onState }: ShellWatchOptions, signal: AbortSignal): Promise<void> {
  let state = emptyState;
  let pauseMs = firstPauseMs;
  while (!signal.aborted) {
    await whenHostSettled(signal);
    try {
      for await (const message of watch(signal)) {
        pauseMs = firstPauseMs;
        state = applyWatch(state, message);
        onState(state);
      }
    } catch {
      // The host ended; the supervisor says why.
    }
    state = { ...state, connected: false };
    onState(state);
    await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    pauseMs = Math.min(maxPauseMs, pauseMs * 2);
  }
}
