import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { toBinary } from "@bufbuild/protobuf";
import { ResourceOperation } from "../../contract/gen/gitpod/v1/event_pb.js";
import type { Change } from "./backend.ts";
import type { Kind } from "./kind.ts";
import type { Scope } from "./queries.ts";
import { announcementOf, columnsOf, newRow } from "./rows.ts";
import type { InsertOptions, ListOptions, Reader, Stored, Transaction, Where, WriteOptions } from "./store.ts";

/** Gathers what a transaction read and wants written; nothing reaches the database before its end. */
export class OpenTransaction implements Transaction {
  readonly #view: Reader;
  readonly #scope: Scope;
  readonly #nowMs: number;
  /** The revision of each row that was read, 0 where there was none. */
  readonly #reads = new Map<string, Change>();
  readonly #writes = new Map<string, Change>();

  #missedSomething = false;

  /** Whether a record was looked for that was not there. */
  get missedSomething(): boolean {
    return this.#missedSomething;
  }

  constructor(options: { readonly view: Reader; readonly scope: Scope; readonly nowMs: number }) {
    this.#view = options.view;
    this.#scope = options.scope;
    this.#nowMs = options.nowMs;
  }

  async get<Desc extends DescMessage>(kind: Kind<Desc>, id: string): Promise<Stored<Desc> | undefined> {
    const found = await this.#view.get(kind, id);
    if (found === undefined) this.#missedSomething = true;
    this.#read(kind.name, id, found?.revision ?? 0);
    return found;
  }

  async sealed<Desc extends DescMessage>(kind: Kind<Desc>, id: string): Promise<Uint8Array | undefined> {
    return this.#view.sealed(kind, id);
  }

  async find<Desc extends DescMessage>(kind: Kind<Desc>, key: Pick<Where, "nameKey" | "lookupKey">): Promise<Stored<Desc> | undefined> {
    const found = await this.#view.find(kind, key);
    if (found === undefined) this.#missedSomething = true;
    else this.#read(kind.name, found.id, found.revision);
    return found;
  }

  async all<Desc extends DescMessage>(kind: Kind<Desc>, options?: ListOptions): Promise<readonly Stored<Desc>[]> {
    const found = await this.#view.all(kind, options);
    for (const { id, revision } of found) this.#read(kind.name, id, revision);
    return found;
  }

  insert<Desc extends DescMessage>(kind: Kind<Desc>, id: string, message: MessageShape<Desc>, options: InsertOptions = {}): void {
    const organizationId = this.#organizationOf(kind.columns(message).organizationId, options.organizationId);
    const row = newRow(kind, { id, organizationId, message, nowMs: this.#nowMs, sealed: options.sealed });
    const operation = options.operation ?? ResourceOperation.CREATE;
    this.#write({
      does: "insert",
      kind: kind.name,
      id,
      scope: this.#scope,
      row,
      ...announcementOf(kind, { organizationId, message, operation }),
    });
  }

  update<Desc extends DescMessage>(kind: Kind<Desc>, stored: Stored<Desc>, message: MessageShape<Desc>, options: WriteOptions = {}): void {
    refuseAppendOnly(kind);
    const { id, organizationId, revision } = stored;
    const columns = kind.columns(message);
    this.#organizationOf(columns.organizationId, organizationId);
    const sealed = options.sealed === undefined ? {} : { sealed: options.sealed };
    const row = { ...columnsOf(columns), data: toBinary(kind.schema, message), ...sealed };
    const operation = options.operation ?? ResourceOperation.UPDATE;
    const announcement = announcementOf(kind, { organizationId, message, operation });
    this.#write({ does: "update", kind: kind.name, id, scope: this.#scope, revision, row, ...announcement });
  }

  delete<Desc extends DescMessage>(kind: Kind<Desc>, stored: Stored<Desc>, options: Pick<WriteOptions, "operation"> = {}): void {
    refuseAppendOnly(kind);
    const { id, organizationId, revision, message } = stored;
    const operation = options.operation ?? ResourceOperation.DELETE;
    const announcement = announcementOf(kind, { organizationId, message, operation });
    this.#write({ does: "delete", kind: kind.name, id, scope: this.#scope, revision, ...announcement });
  }

  /** What is to be committed; nothing when nothing was written. */
  end(): readonly Change[] {
    if (this.#writes.size === 0) return [];
    const changes = new Map([...this.#reads, ...this.#writes]);
    const rank = ({ does }: Change): number => (does === "delete" ? 0 : 1);
    // What goes makes its keys free for what comes; else in one order everywhere, so that few commits wait in a ring.
    return [...changes].toSorted(([a, x], [b, y]) => rank(x) - rank(y) || (a < b ? -1 : 1)).map(([, change]) => change);
  }

  #read(kind: string, id: string, revision: number): void {
    this.#reads.set(`${kind}/${id}`, { does: "compare", kind, id, scope: this.#scope, revision });
  }

  #write(change: Change): void {
    const key = `${change.kind}/${change.id}`;
    if (this.#writes.has(key)) throw new Error(`${key} is written twice in one transaction`);
    this.#writes.set(key, change);
  }

  #organizationOf(ofMessage: string | undefined, given: string | undefined): string {
    const organizationId = this.#scope ?? given ?? ofMessage;
    if (organizationId === undefined) throw new Error("a record without an organization");
    if ((ofMessage !== undefined && ofMessage !== organizationId) || (given !== undefined && given !== organizationId))
      throw new Error(`a record of another organization than ${organizationId}`);
    return organizationId;
  }
}

function refuseAppendOnly({ name, isAppendOnly }: { readonly name: string; readonly isAppendOnly?: true }): void {
  if (isAppendOnly === true) throw new Error(`${name} is only added to`);
}
