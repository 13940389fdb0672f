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

  /** The events a WatchEvents request asks for, until the signal aborts. */
  async *watch(request: WatchEventsRequest, signal: AbortSignal): AsyncGenerator<WatchEventsResponse> {
    const queue = new AsyncQueue<WatchEventsResponse>(maxQueuedEvents);
    let waiting = 0;
    const unsubscribe = this.subscribe((event) => {
      if (!isWanted(request, event)) return;
      if (++waiting > maxQueuedEvents) return queue.end();
      void queue.push(create(WatchEventsResponseSchema, event)).then(() => undefined);
    });
    const end = (): void => queue.end();
    signal.addEventListener("abort", end);
    try {
      for await (const event of queue) {
        waiting--;
        yield event;
      }
    } finally {
      unsubscribe();
      signal.removeEventListener("abort", end);
    }
  }
}

function isWanted(request: WatchEventsRequest, event: PlaneEvent): boolean {
  if (request.scope.case === "environmentId") return event.resourceId === request.scope.value;
  const filters = request.resourceTypeFilters;
  return (
    filters.length === 0 ||
    filters.some((f) => f.resourceType === event.resourceType && (f.resourceIds.length === 0 || f.resourceIds.includes(event.resourceId)))
  );
}
