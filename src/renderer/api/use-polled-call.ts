import { useEffect } from "react";
import { type Call, useCall } from "./use-call.ts";

/** As `useCall`, and again every so often while the window is seen: for what changes without being told. */
export function usePolledCall<Value>(ask: (signal: AbortSignal) => Promise<Value>, intervalMs: number): Call<Value> {
  const call = useCall(ask);
  const { reload } = call;
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) reload();
    }, intervalMs);
    return () => clearInterval(timer);
  }, [reload, intervalMs]);
  return call;
}
