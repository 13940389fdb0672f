import type { DescMessage, Message, MessageShape } from "@bufbuild/protobuf";
import type { ResourceOperation } from "../../contract/gen/gitpod/v1/event_pb.js";
import type { Kind } from "./kind.ts";

/** A record as it is in the database. */
export interface Stored<Desc extends DescMessage> {
  readonly id: string;
  readonly organizationId: string;
  readonly message: MessageShape<Desc>;
  /** Counts the changes of this record; compare-and-set compares it. */
  readonly revision: number;
  readonly createdAtMs: number;
}

/** Which records of a kind; all of what is given has to hold, and an empty list wants nothing. */
export interface Where {
  readonly ids?: readonly string[];
  /** All but these. */
  readonly notIds?: readonly string[];
  readonly creatorIds?: readonly string[];
  readonly runnerIds?: readonly string[];
  readonly projectIds?: readonly string[];
  readonly parentIds?: readonly string[];
  readonly labels?: readonly string[];
  readonly phases?: readonly number[];
  readonly roles?: readonly number[];
  readonly nameKey?: string;
  readonly lookupKey?: string;
  /** A part of the search text; capitals do not count. */
  readonly search?: string;
  readonly isArchived?: boolean;
  /** Those that were put away, or ended, from this time on. */
  readonly archivedFromMs?: number;
  readonly archivedBeforeMs?: number;
  readonly createdBeforeMs?: number;
  /** From this time on. */
  readonly createdFromMs?: number;
  /** Those of this owner, and of the others these or all but these. What others may be seen can change between two pages. */
  readonly visible?: {
    readonly ownerId: string;
    readonly others: { readonly only: readonly string[] } | { readonly allBut: readonly string[] };
  };
  /** Those that belong to one of these, which the caller may see. What may be seen can change between two pages. */
  readonly visibleParentIds?: readonly string[];
  /** Those that expire, and before this. */
  readonly expiresBeforeMs?: number;
}

export interface ListOptions {
  readonly where?: Where;
  /** Ids are in the order of creation. */
  readonly orderBy?: "id" | "text" | "archivedAt";
  readonly order?: "ascending" | "descending";
  /**
   * What was asked for, in JSON, where ids in `where` were found out by it: a page's token is good for the same question
   * alone, and stays so when what was found changes between two pages.
   */
  readonly asked?: readonly unknown[];
}

/** The page of a request: `PaginationRequest` of the API. */
export interface PageRequest {
  readonly pageSize: number;
  readonly token: string;
}

export interface Page<Desc extends DescMessage> {
  readonly items: readonly Stored<Desc>[];
  /** Empty on the last page. */
  readonly nextToken: string;
}

export interface WriteOptions {
  /** A sealed value beside the message; left as it is when it is not given. */
  readonly sealed?: Uint8Array;
  /** What watchers are told; by default what was done to the record. */
  readonly operation?: ResourceOperation;
}

/** Reading the records of one view. */
export interface Reader {
  get<Desc extends DescMessage>(kind: Kind<Desc>, id: string): Promise<Stored<Desc> | undefined>;
  /** The sealed value beside a message. */
  sealed<Desc extends DescMessage>(kind: Kind<Desc>, id: string): Promise<Uint8Array | undefined>;
  /** The only record with this name key (within an organization) or lookup key. */
  find<Desc extends DescMessage>(kind: Kind<Desc>, key: Pick<Where, "nameKey" | "lookupKey">): Promise<Stored<Desc> | undefined>;
  /** All that is wanted, in order; for kinds of which one owner has few. */
  all<Desc extends DescMessage>(kind: Kind<Desc>, options?: ListOptions): Promise<readonly Stored<Desc>[]>;
}

/**
 * Reads and writes that count together or not at all. What was read is compared when the transaction commits; where
 * another change came between, or what it looked for in vain was made, the work is done again, so it must have no other effects. A list guards the records that it
 * gave and not against new ones: what must stay true of a set is guarded by a key, or by a write of what the set belongs to.
 */
export interface Transaction extends Reader {
  /** Fails with `resource-exists` when the id or one of the keys is taken. */
  insert<Desc extends DescMessage>(kind: Kind<Desc>, id: string, message: MessageShape<Desc>, options?: InsertOptions): void;
  /** The record has to have been read in this transaction, or its revision be known. */
  update<Desc extends DescMessage>(kind: Kind<Desc>, stored: Stored<Desc>, message: MessageShape<Desc>, options?: WriteOptions): void;
  delete<Desc extends DescMessage>(kind: Kind<Desc>, stored: Stored<Desc>, options?: Pick<WriteOptions, "operation">): void;
}

export interface InsertOptions extends WriteOptions {
  /** Only where the view is not that of an organization and the message does not say it. */
  readonly organizationId?: string;
}

export interface TransactionOptions {
  /** What can be observed again: safe when the process is killed, but not waited for until it is on the disk. */
  readonly isObserved?: boolean;
}

/** The records of one view. */
export interface View extends Reader {
  /** One page in order; a token that was not given by this installation for this very list is refused with `request-invalid`. */
  list<Desc extends DescMessage>(kind: Kind<Desc>, page: PageRequest | undefined, options?: ListOptions): Promise<Page<Desc>>;
  count<Desc extends DescMessage>(kind: Kind<Desc>, where?: Where): Promise<number>;
  /**
   * Does the work and commits it. Fails with `changed-meanwhile` when others were quicker each time, `resource-exists` when
   * a key is taken, `store-unavailable` when the database does not answer.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
}

/** What decides who may do something with a record: the columns that name others, and its message. */
export interface AccessRow {
  readonly kind: string;
  readonly id: string;
  readonly creatorId: string;
  readonly runnerId: string;
  readonly projectId: string;
  readonly parentId: string;
  readonly phase: number;
  readonly role: number;
  readonly data: Uint8Array;
}

/** From a time until before another. */
export interface Period {
  readonly startMs: number;
  readonly endMs: number;
}

/** A record that tells from when until when something was so, without its message. */
export interface Span {
  readonly creatorId: string;
  readonly parentId: string;
  readonly projectId: string;
  readonly label: string;
  readonly startMs: number;
  /** Undefined: it is so still. */
  readonly endMs: number | undefined;
}

export interface SpanOptions {
  readonly where?: Where;
  readonly limit: number;
}

/** The records of one organization; those of others are not there for it. */
export interface OrganizationStore extends View {
  readonly organizationId: string;
  /**
   * The records with these ids, what they belong to, the roles that were given on any of those, and the groups that
   * somebody is in: one query, which costs the same whether the ids are unknown or another organization's.
   */
  access(ids: readonly string[], principalId: string): Promise<readonly AccessRow[]>;
  /** The records of a kind that last into a period, at most `limit` of them. */
  spans<Desc extends DescMessage>(kind: Kind<Desc>, period: Period, options: SpanOptions): Promise<readonly Span[]>;
  /** Deletes every record of the organization, for good; nobody is told. */
  erase(): Promise<void>;
}

/** What may see the records of all organizations. */
export type SystemUse = "authentication" | "accounts" | "calls" | "events" | "housekeeping" | "installation" | "runners";

/** What was committed, as watchers are told of it. */
export interface StoreEvent {
  /** Names it in the outbox, where it was read from there. */
  readonly position?: string;
  readonly organizationId: string;
  /** `Kind.name` of the record. */
  readonly kind: string;
  readonly id: string;
  readonly operation: ResourceOperation;
  readonly creatorId: string;
  readonly parentId: string;
  /** What was written, where it was written by this process. */
  readonly message?: Message;
}

export interface StoreEvents {
  /**
   * Told of every change that was committed from now on, by whichever process, each once and those of one record in order.
   * `onGap` is called when some were missed and everything has to be looked at again.
   */
  subscribe(listener: (event: StoreEvent) => void, onGap?: () => void): () => void;
  /** The newest event that is there. */
  position(): Promise<string>;
  /** The events behind a position, oldest first, `limit` at most. */
  after(position: string, limit: number): Promise<readonly StoreEvent[]>;
}

/** The records of an installation. */
export interface Store {
  readonly events: StoreEvents;
  inOrganization(organizationId: string): OrganizationStore;
  /** Beyond organizations. Whoever uses it decides itself what may be seen. */
  system(use: SystemUse): View;
  /** A setting of the installation that is made once: of several processes that start at once all get the same. */
  settingOnce(name: string, make: () => string): Promise<string>;
  /** Replaces sealed values by what `renew` makes of them, e.g. under another key; gives how many were replaced. */
  renewSealed(renew: (sealed: Uint8Array, belongsTo: string) => Uint8Array | undefined): Promise<number>;
  /** Whether the database answers. */
  ping(signal: AbortSignal): Promise<void>;
  /** Once the transactions that are under way have ended; new ones fail with `store-unavailable`. */
  close(): Promise<void>;
}
