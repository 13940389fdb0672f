import { clone, create, toBinary } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { BerthError } from "../contract/berth-error.ts";
import {
  type Environment,
  EnvironmentSchema,
  type EnvironmentStatus,
  EnvironmentStatusSchema,
} from "../contract/gen/gitpod/v1/environment_pb.js";
import { ResourceOperation } from "../contract/gen/gitpod/v1/event_pb.js";
import { forgetEnvironment } from "./forget-environment.ts";
import { environmentKind } from "./store/kinds.ts";
import type { OrganizationStore, Stored, Transaction } from "./store/store.ts";
import { trackUsage } from "./usage/track-usage.ts";

/** The environments of an organization; every change is committed before it is announced. */
export class EnvironmentRecords {
  readonly #store: OrganizationStore;
  readonly #now: () => number;

  constructor(store: OrganizationStore, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  async find(id: string): Promise<Environment | undefined> {
    return (await this.#store.get(environmentKind, id))?.message;
  }

  /** Fails with `environment-not-found`. */
  async get(id: string): Promise<Environment> {
    return existing(id, await this.#store.get(environmentKind, id)).message;
  }

  /** Whether one of the creator's has a name that ssh cannot tell apart from this one. */
  async findByName(nameKey: string): Promise<Environment | undefined> {
    return (await this.#store.find(environmentKind, { nameKey }))?.message;
  }

  /** Fails with `resource-exists` when its name is taken, and as `check` does. */
  async insert(environment: Environment, check?: (tx: Transaction) => Promise<void>): Promise<void> {
    await this.#store.transaction(async (tx) => {
      await check?.(tx);
      tx.insert(environmentKind, environment.id, environment);
    });
  }

  /** Changes a copy of spec or metadata and counts its version up; done again where another change came between. Fails as `check` does. */
  async update(
    id: string,
    change: (draft: Environment) => void,
    check?: (tx: Transaction, environment: Environment) => Promise<void>,
  ): Promise<Environment> {
    return this.#store.transaction(async (tx) => {
      const stored = existing(id, await tx.get(environmentKind, id));
      await check?.(tx, stored.message);
      const draft = clone(EnvironmentSchema, stored.message);
      change(draft);
      if (draft.spec !== undefined) draft.spec.specVersion += 1n;
      tx.update(environmentKind, stored, draft);
      return draft;
    });
  }

  /** Makes a new status from the one there is; nothing happens when it is the same, or the environment is gone. */
  async changeStatus(id: string, change: (status: EnvironmentStatus) => EnvironmentStatus): Promise<void> {
    await this.#store.transaction(
      async (tx) => {
        const stored = await tx.get(environmentKind, id);
        if (stored === undefined) return;
        const before = stored.message.status ?? create(EnvironmentStatusSchema, { statusVersion: 1n });
        const version = stored.message.status?.statusVersion ?? 0n;
        const after = change(before);
        if (stored.message.status !== undefined && isSame({ ...after, statusVersion: version }, before)) return;
        const observed = { ...stored.message, status: { ...after, statusVersion: version + 1n } };
        await trackUsage(tx, stored, { phase: after.phase, nowMs: this.#now() });
        tx.update(environmentKind, stored, observed, { operation: ResourceOperation.UPDATE_STATUS });
      },
      { isObserved: true },
    );
  }

  async remove(id: string): Promise<void> {
    await this.#store.transaction(async (tx) => {
      const stored = await tx.get(environmentKind, id);
      if (stored !== undefined) await forgetEnvironment(tx, stored, this.#now());
    });
  }

  timestamp(): Timestamp {
    return timestampFromMs(this.#now());
  }
}

function existing<T extends Stored<typeof EnvironmentSchema>>(id: string, stored: T | undefined): T {
  if (stored === undefined) throw new BerthError("environment-not-found", `there is no environment ${id}`);
  return stored;
}

function isSame(a: EnvironmentStatus, b: EnvironmentStatus): boolean {
  return Buffer.from(toBinary(EnvironmentStatusSchema, a)).equals(toBinary(EnvironmentStatusSchema, b));
}
