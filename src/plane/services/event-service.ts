import { createValidator } from "@bufbuild/protovalidate";
import { BerthError } from "../../contract/berth-error.ts";
import { WatchEventsRequestSchema } from "../../contract/gen/gitpod/v1/event_pb.js";
import type { EnvironmentRecords } from "../environment-records.ts";
import type { PlaneEvents } from "../events.ts";
import { validateMessage } from "../interceptors.ts";
import type { WatchEvents } from "../jsonl.ts";

/** WatchEvents in whichever form it is asked for. Without a scope the whole organization is watched. */
export function watchEvents(events: PlaneEvents, records: EnvironmentRecords): WatchEvents {
  const validator = createValidator();
  return (request, signal) => {
    validateMessage(validator, WatchEventsRequestSchema, request);
    if (request.scope.case === "environmentId") {
      records.get(request.scope.value);
      if (request.resourceTypeFilters.length > 0)
        throw new BerthError("request-invalid", "resource_type_filters: an environment is watched without filters");
    }
    return events.watch(request, signal);
  };
}
