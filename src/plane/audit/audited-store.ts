import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { AuditRecordSchema } from "../../contract/gen/berth/v1/audit_records_pb.js";
import { ResourceOperation, ResourceType } from "../../contract/gen/gitpod/v1/event_pb.js";
import type { Subject } from "../../contract/gen/gitpod/v1/identity_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import type { CreatingCall, Made } from "../idempotency/creating-call.ts";
import type { Kind } from "../store/kind.ts";
import type {
  InsertOptions,
  ListOptions,
  OrganizationStore,
  Stored,
  Transaction,
  TransactionOptions,
  View,
  Where,
  WriteOptions,
} from "../store/store.ts";
import { auditedTypes, auditKind } from "./audit-kind.ts";
import { changedFields } from "./changed-fields.ts";

/** Who changes something, by which method, from where. */
export interface AuditOrigin {
  readonly actor: Subject;
  /** `package.Service/Method`. */
  readonly method: string;
  readonly address: string;
  readonly now: () => number;
  /** Where the call can be repeated by a key, what it changes first notes that it was carried out. */
  readonly creatingCall?: CreatingCall | undefined;
}

interface AuditedChange {
  readonly kind: { readonly name: string; readonly resourceType?: ResourceType };
  readonly id: string;
  readonly operation: ResourceOperation;
  readonly changedFields: readonly string[];
}

/**
 * The records of an organization for a call of the API: every transaction that changes something leaves one entry in the
 * audit log, committed with the change or not at all. What is only observed, e.g. that an environment is in use, leaves none.
 */
export function auditedStore(store: OrganizationStore, origin: AuditOrigin): OrganizationStore {
  return {
    organizationId: store.organizationId,
    ...delegated(store),
    access: async (ids, principalId) => store.access(ids, principalId),
    erase: async () => store.erase(),
    transaction: async (work, options) =>
      options?.isObserved === true
        ? store.transaction(work, options)
        : auditedTransaction(store, origin, store.organizationId, work, options),
  };
}

/** The same for one transaction of a view that is beyond organizations. */
export async function auditedTransaction<T>(
  view: View,
  origin: AuditOrigin,
  organizationOf: string | ((result: T) => string),
  work: (tx: Transaction) => Promise<T>,
  options?: TransactionOptions,
): Promise<T> {
  let isChange = false;
  const result = await view.transaction(async (tx) => {
    const recorded = new RecordedTransaction(tx);
    const done = await work(recorded);
    // What a transaction is about is written last in it, after what goes or comes with it.
    const change = recorded.changes.at(-1);
    isChange = change !== undefined;
    if (change === undefined) return done;
    const organizationId = typeof organizationOf === "string" ? organizationOf : organizationOf(done);
    insertEntry(tx, origin, organizationId, change);
    await origin.creatingCall?.write(tx, organizationId, recorded.made);
    return done;
  }, options);
  if (isChange) origin.creatingCall?.noteCommit();
  return result;
}

function insertEntry(tx: Transaction, { actor, method, address, now }: AuditOrigin, organizationId: string, change: AuditedChange): void {
  const nowMs = now();
  const entry = create(AuditRecordSchema, {
    id: uuidV7(nowMs),
    organizationId,
    actor,
    address,
    method,
    subjectId: change.id,
    subjectType: change.kind.resourceType ?? auditedTypes.get(change.kind.name) ?? ResourceType.UNSPECIFIED,
    operation: change.operation,
    changedFields: [...change.changedFields],
    createdAt: timestampFromMs(nowMs),
  });
  tx.insert(auditKind, entry.id, entry);
}

/** Reading needs no log. */
function delegated(store: OrganizationStore): Pick<OrganizationStore, "get" | "sealed" | "find" | "all" | "list" | "count" | "spans"> {
  return {
    get: async (kind, id) => store.get(kind, id),
    sealed: async (kind, id) => store.sealed(kind, id),
    find: async (kind, key) => store.find(kind, key),
    all: async (kind, options) => store.all(kind, options),
    list: async (kind, page, options) => store.list(kind, page, options),
    count: async (kind, where) => store.count(kind, where),
    spans: async (kind, period, options) => store.spans(kind, period, options),
  };
}

/** Remembers what a transaction writes. */
class RecordedTransaction implements Transaction {
  readonly changes: AuditedChange[] = [];
  readonly made: Made[] = [];
  readonly #inner: Transaction;

  constructor(inner: Transaction) {
    this.#inner = inner;
  }

  async get<Desc extends DescMessage>(kind: Kind<Desc>, id: string): Promise<Stored<Desc> | undefined> {
    return this.#inner.get(kind, id);
  }

  async sealed<Desc extends DescMessage>(kind: Kind<Desc>, id: string): Promise<Uint8Array | undefined> {
    return this.#inner.sealed(kind, id);
  }

  async find<Desc extends DescMessage>(kind: Kind<Desc>, key: Pick<Where, "nameKey" | "lookupKey">): Promise<Stored<Desc> | undefined> {
    return this.#inner.find(kind, key);
  }

  async all<Desc extends DescMessage>(kind: Kind<Desc>, options?: ListOptions): Promise<readonly Stored<Desc>[]> {
    return this.#inner.all(kind, options);
  }

  insert<Desc extends DescMessage>(kind: Kind<Desc>, id: string, message: MessageShape<Desc>, options?: InsertOptions): void {
    this.changes.push({ kind, id, operation: ResourceOperation.CREATE, changedFields: [] });
    this.made.push({ id, schema: kind.schema, message });
    this.#inner.insert(kind, id, message, options);
  }

  update<Desc extends DescMessage>(kind: Kind<Desc>, stored: Stored<Desc>, message: MessageShape<Desc>, options?: WriteOptions): void {
    const value = options?.sealed === undefined ? [] : ["value"];
    const fields = [...changedFields(kind.schema, stored.message, message), ...value];
    this.changes.push({ kind, id: stored.id, operation: ResourceOperation.UPDATE, changedFields: fields });
    this.#inner.update(kind, stored, message, options);
  }

  delete<Desc extends DescMessage>(kind: Kind<Desc>, stored: Stored<Desc>, options?: Pick<WriteOptions, "operation">): void {
    this.changes.push({ kind, id: stored.id, operation: ResourceOperation.DELETE, changedFields: [] });
    this.#inner.delete(kind, stored, options);
  }
}
