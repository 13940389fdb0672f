import { useEffect, useMemo, useState } from "react";
import { useApp } from "../../app/context.ts";
import { type DesktopBridge, desktopBridgeOf, type DesktopState, parseDesktopState } from "./desktop-state.ts";

export interface Desktop {
  readonly bridge: DesktopBridge;
  readonly state: DesktopState;
}

/** The app around this window with its state; nothing in a browser. */
export function useDesktopState(): Desktop | undefined {
  const { toasts } = useApp();
  const bridge = useMemo(() => desktopBridgeOf(window), []);
  const [state, setState] = useState<DesktopState | undefined>();
  useEffect(() => {
    if (bridge === undefined) return;
    const off = bridge.onState((next) => setState(parseDesktopState(next)));
    bridge.getState().then(
      (next) => setState(parseDesktopState(next)),
      (error: unknown) => toasts.failed(error),
    );
    return off;
  }, [bridge, toasts]);
  return useMemo(() => (bridge === undefined || state === undefined ? undefined : { bridge, state }), [bridge, state]);
}
