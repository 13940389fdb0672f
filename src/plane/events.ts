import { create } from "@bufbuild/protobuf";
import {
  type ResourceOperation,
  type ResourceType,
  type WatchEventsRequest,
  type WatchEventsResponse,
  WatchEventsResponseSchema,
} from "../contract/gen/gitpod/v1/event_pb.js";
import { AsyncQueue } from "../lib/async-queue.ts";

/** A watcher this far behind is cut off and starts again, as the API's clients do. */
const maxQueuedEvents = 1000;

export interface PlaneEvent {
  readonly operation: ResourceOperation;
  readonly resourceType: ResourceType;
  readonly resourceId: string;
  readonly creatorId: string;
}

/** Tells every watcher of what was committed, in order. */
export class PlaneEvents {
  readonly #listeners = new Set<(event: PlaneEvent) => void>();

  publish(event: PlaneEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  subscribe(listener: (event: PlaneEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The events a WatchEvents request asks for from now on, until the signal aborts. */
  watch(request: WatchEventsRequest, signal: AbortSignal): AsyncIterable<WatchEventsResponse> {
    const queue = new AsyncQueue<WatchEventsResponse>(maxQueuedEvents);
    let waiting = 0;
    const end = (): void => {
      unsubscribe();
      signal.removeEventListener("abort", end);
      queue.end();
    };
    const unsubscribe = this.subscribe((event) => {
      if (!isWanted(request, event)) return;
      if (++waiting > maxQueuedEvents) return end();
      const { operation, resourceType, resourceId } = event;
      void queue.push(create(WatchEventsResponseSchema, { operation, resourceType, resourceId }));
    });
    if (signal.aborted) end();
    else signal.addEventListener("abort", end);
    return (async function* () {
      try {
        for await (const event of queue) {
          waiting--;
          yield event;
        }
      } finally {
        end();
      }
    })();
  }
}

function isWanted(request: WatchEventsRequest, event: PlaneEvent): boolean {
  if (request.scope.case === "environmentId") return event.resourceId === request.scope.value;
  const filters = request.resourceTypeFilters;
  return (
    filters.length === 0 ||
    filters.some(
      ({ resourceType, resourceIds, creatorIds }) =>
        resourceType === event.resourceType &&
        (resourceIds.length === 0 || resourceIds.includes(event.resourceId)) &&
        (creatorIds.length === 0 || creatorIds.includes(event.creatorId)),
    )
  );
}
