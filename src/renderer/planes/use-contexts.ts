import { useCallback, useEffect } from "react";
import { type Context, Context_State, type ListRemoteEnvironmentsResponse } from "../../contract/gen/berth/v1/context_pb.js";
import { type Call, useCall } from "../api/use-call.ts";
import { useApp } from "../app/context.ts";
import { isInTransition } from "./remote-state.ts";

/** How often a window that is seen asks anew; the host tries a plane that is away less often by itself. */
const pollMs = 10_000;
/** The same while something starts or stops. */
const movingPollMs = 2000;

/** The planes that this computer knows, kept up to date. */
export function useContexts(): Call<readonly Context[]> {
  const { clients } = useApp();
  const ask = useCallback(async (signal: AbortSignal) => (await clients.contexts.listContexts({}, { signal })).contexts, [clients]);
  return usePolled(useCall<readonly Context[]>(ask), pollMs);
}

/** The environments of a plane, kept up to date. */
export function useRemoteEnvironments(contextId: string): Call<ListRemoteEnvironmentsResponse> {
  const { clients } = useApp();
  const ask = useCallback(
    async (signal: AbortSignal) => clients.contexts.listRemoteEnvironments({ contextId, polling: true }, { signal }),
    [clients, contextId],
  );
  const call = useCall(ask);
  const isMoving = call.value?.context?.state === Context_State.SIGNED_IN && call.value.environments.some(isInTransition);
  return usePolled(call, isMoving ? movingPollMs : pollMs);
}

function usePolled<Value>(call: Call<Value>, intervalMs: number): Call<Value> {
  const { reload } = call;
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") reload();
    }, intervalMs);
    return () => clearInterval(timer);
  }, [reload, intervalMs]);
  return call;
}
