import { useEffect, useMemo, useState } from "react";
import type { BerthDesktop, DesktopState } from "../../../contract/desktop-bridge.ts";
import { useApp } from "../../app/context.ts";

export interface Desktop {
  readonly bridge: BerthDesktop;
  readonly state: DesktopState;
}

/** The app around this window with its state; nothing in a browser. */
export function useDesktopState(): Desktop | undefined {
  const { toasts } = useApp();
  const bridge = window.berthDesktop;
  const [state, setState] = useState<DesktopState | undefined>();
  useEffect(() => {
    if (bridge === undefined) return;
    const off = bridge.onState(setState);
    bridge.getState().then(setState, (error: unknown) => toasts.failed(error));
    return off;
  }, [bridge, toasts]);
  return useMemo(() => (bridge === undefined || state === undefined ? undefined : { bridge, state }), [bridge, state]);
}
