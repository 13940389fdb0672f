import { clone, create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { DatabaseSync } from "node:sqlite";
import { BerthError } from "../contract/berth-error.ts";
import {
  type Environment,
  EnvironmentSchema,
  type EnvironmentStatus,
  EnvironmentStatusSchema,
} from "../contract/gen/gitpod/v1/environment_pb.js";
import { ResourceOperation, ResourceType } from "../contract/gen/gitpod/v1/event_pb.js";
import type { PlaneEvents } from "./events.ts";
import { ResourceStore } from "./resource-store.ts";

/** The environments of this plane; every change is committed before it is announced. */
export class EnvironmentRecords {
  readonly #store: ResourceStore<typeof EnvironmentSchema>;
  readonly #events: PlaneEvents;
  readonly #now: () => number;
  readonly #specListeners = new Set<(id: string) => void>();
  readonly #cache: Map<string, Environment>;

  constructor(options: { readonly database: DatabaseSync; readonly events: PlaneEvents; readonly now: () => number }) {
    this.#store = new ResourceStore(options.database, "environment", EnvironmentSchema);
    this.#events = options.events;
    this.#now = options.now;
    this.#cache = new Map(this.#store.list().map((environment) => [environment.id, environment]));
  }

  /** In the order of creation. */
  list(): Environment[] {
    return [...this.#cache.values()];
  }

  find(id: string): Environment | undefined {
    return this.#cache.get(id);
  }

  get(id: string): Environment {
    const found = this.#cache.get(id);
    if (found === undefined) throw new BerthError("environment-not-found", `there is no environment ${id}`);
    return found;
  }

  insert(environment: Environment): void {
    this.#save(environment);
    this.#announce(environment, ResourceOperation.CREATE);
    this.#announceSpec(environment.id);
  }

  /** Changes a copy of spec or metadata and counts its version up. */
  update(id: string, change: (draft: Environment) => void): Environment {
    const draft = clone(EnvironmentSchema, this.get(id));
    change(draft);
    if (draft.spec !== undefined) draft.spec.specVersion += 1n;
    this.#save(draft);
    this.#announce(draft, ResourceOperation.UPDATE);
    this.#announceSpec(id);
    return draft;
  }

  writeStatus(id: string, status: EnvironmentStatus): void {
    const environment = this.#cache.get(id);
    if (environment === undefined) return;
    const version = environment.status?.statusVersion ?? 0n;
    const same =
      environment.status !== undefined &&
      Buffer.from(toBinary(EnvironmentStatusSchema, { ...status, statusVersion: version })).equals(
        toBinary(EnvironmentStatusSchema, environment.status),
      );
    if (same) return;
    const observed = { ...environment, status: { ...status, statusVersion: version + 1n } };
    this.#store.putObserved(id, observed, { nowMs: this.#now() });
    this.#cache.set(id, observed);
    this.#announce(environment, ResourceOperation.UPDATE_STATUS);
  }

  remove(id: string): void {
    const environment = this.#cache.get(id);
    if (environment === undefined) return;
    this.#store.delete(id);
    this.#cache.delete(id);
    this.#announce(environment, ResourceOperation.DELETE);
  }

  onSpecChange(listener: (id: string) => void): () => void {
    this.#specListeners.add(listener);
    return () => this.#specListeners.delete(listener);
  }

  emptyStatus(): EnvironmentStatus {
    return create(EnvironmentStatusSchema, { statusVersion: 1n });
  }

  timestamp(): ReturnType<typeof timestampFromMs> {
    return timestampFromMs(this.#now());
  }

  #save(environment: Environment): void {
    this.#store.put(environment.id, environment, { nowMs: this.#now() });
    this.#cache.set(environment.id, environment);
  }

  #announce({ id, metadata }: Environment, operation: ResourceOperation): void {
    this.#events.publish({
      operation,
      resourceType: ResourceType.ENVIRONMENT,
      resourceId: id,
      creatorId: metadata?.creator?.id ?? "",
    });
  }

  #announceSpec(id: string): void {
    for (const listener of this.#specListeners) listener(id);
  }
}
