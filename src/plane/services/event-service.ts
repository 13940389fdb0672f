import { createValidator } from "@bufbuild/protovalidate";
import { BerthError } from "../../contract/berth-error.ts";
import { type WatchEventsRequest, WatchEventsRequestSchema, type WatchEventsResponse } from "../../contract/gen/gitpod/v1/event_pb.js";
import { eventSight } from "../access/event-sight.ts";
import { EnvironmentRecords } from "../environment-records.ts";
import type { PlaneEvents } from "../events.ts";
import { validateMessage } from "../interceptors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { RequestScope } from "../request-scope.ts";
import { type CheckAgain, CheckedWatcher } from "./checked-watch.ts";

/** Watches until the signal aborts; fails at once when the request is refused, and later when `again` is. */
export type WatchEvents = (
  scope: RequestScope,
  request: WatchEventsRequest,
  signal: AbortSignal,
  again?: CheckAgain,
) => Promise<AsyncIterable<WatchEventsResponse>>;

/** WatchEvents in whichever form it is asked for. Without a scope the whole organization is watched. */
export function watchEvents(
  events: PlaneEvents,
  { now, after }: { readonly now: () => number; readonly after: Clock["after"] },
): WatchEvents {
  const validator = createValidator();
  return async (scope, request, signal, again) => {
    const { store } = scope;
    validateMessage(validator, WatchEventsRequestSchema, request);
    if (request.scope.case === "environmentId" && request.resourceTypeFilters.length > 0)
      throw new BerthError("request-invalid", "resource_type_filters: an environment is watched without filters");
    const refused = new AbortController();
    const watcher = again === undefined ? undefined : new CheckedWatcher({ scope, again, after });
    const ends = [signal, refused.signal, ...(watcher === undefined ? [] : [watcher.signal])];
    const sight = eventSight(() => watcher?.scope ?? scope, now);
    // Before anything is awaited: what is committed from the request on is told.
    const watch = events.watch(store.organizationId, request, AbortSignal.any(ends), sight);
    try {
      if (request.scope.case === "environmentId") await new EnvironmentRecords(store, now).get(request.scope.value);
      return watcher === undefined ? watch : watcher.guard(watch);
    } catch (error) {
      refused.abort();
      throw error;
    }
  };
}
