import { create } from "@bufbuild/protobuf";
import {
  type ResourceOperation,
  ResourceType,
  type WatchEventsRequest,
  type WatchEventsResponse,
  WatchEventsResponseSchema,
} from "../contract/gen/gitpod/v1/event_pb.js";
import { AsyncQueue } from "../lib/async-queue.ts";
import { announcedKinds } from "./store/announced-kinds.ts";
import type { StoreEvent, StoreEvents } from "./store/store.ts";

/** A watcher this far behind is cut off and starts again, as the API's clients do. */
const maxQueuedEvents = 1000;

export interface PlaneEvent {
  readonly organizationId: string;
  readonly operation: ResourceOperation;
  readonly resourceType: ResourceType;
  readonly resourceId: string;
  readonly creatorId: string;
  readonly parentId: string;
}

/** Tells every watcher of what was committed, in order. */
export class PlaneEvents {
  readonly #events: StoreEvents;

  constructor(events: StoreEvents) {
    this.#events = events;
  }

  /** `onGap` is called when some were missed. */
  subscribe(listener: (event: PlaneEvent) => void, onGap?: () => void): () => void {
    return this.#events.subscribe((event) => listener(planeEventOf(event)), onGap);
  }

  /**
   * The events of an organization that a WatchEvents request asks for from now on, until the signal aborts.
   * @param sees Whether the watcher may know of an event; all of them where it is not given.
   */
  watch(
    organizationId: string,
    request: WatchEventsRequest,
    signal: AbortSignal,
    sees?: (event: PlaneEvent) => Promise<boolean>,
  ): AsyncIterable<WatchEventsResponse> {
    const queue = new AsyncQueue<PlaneEvent>(maxQueuedEvents);
    let waiting = 0;
    const end = (): void => {
      unsubscribe();
      signal.removeEventListener("abort", end);
      queue.end();
    };
    const unsubscribe = this.subscribe((event) => {
      if (event.organizationId !== organizationId || !isWanted(request, event)) return;
      if (++waiting > maxQueuedEvents) return end();
      void queue.push(event);
    }, end);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end);
    return (async function* () {
      try {
        for await (const event of queue) {
          waiting--;
          const { operation, resourceType, resourceId } = event;
          if (sees === undefined || (await sees(event))) yield create(WatchEventsResponseSchema, { operation, resourceType, resourceId });
        }
      } finally {
        end();
      }
    })();
  }
}

function planeEventOf({ organizationId, operation, kind, id, creatorId, parentId }: StoreEvent): PlaneEvent {
  const resourceType = announcedKinds.get(kind) ?? ResourceType.UNSPECIFIED;
  return { organizationId, operation, resourceType, resourceId: id, creatorId, parentId };
}

function isWanted(request: WatchEventsRequest, event: PlaneEvent): boolean {
  if (request.scope.case === "environmentId") return [event.resourceId, event.parentId].includes(request.scope.value);
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
