import type { Message } from "@bufbuild/protobuf";
import type { CompiledQuery } from "kysely";
import type { ResourceOperation } from "../../contract/gen/gitpod/v1/event_pb.js";
import type { AccessQuestion } from "./queries.ts";
import type { StoreEvents } from "./store.ts";
import type { QueryBuilder, ResourcesTable } from "./tables.ts";

export type Row = Readonly<Record<string, unknown>>;

/** Which row, and of which organization; `undefined` is beyond organizations. */
export interface RowKey {
  readonly kind: string;
  readonly id: string;
  readonly scope: string | undefined;
}

export interface Announcement {
  readonly organizationId: string;
  readonly operation: ResourceOperation;
  readonly creatorId: string;
  readonly parentId: string;
  readonly message?: Message;
}

/** One part of a commit. */
export type Change =
  | (RowKey & { readonly does: "insert"; readonly row: ResourcesTable; readonly announcement?: Announcement })
  | (RowKey & {
      readonly does: "update";
      readonly revision: number;
      readonly row: Partial<ResourcesTable>;
      readonly announcement?: Announcement;
    })
  | (RowKey & { readonly does: "delete"; readonly revision: number; readonly announcement?: Announcement })
  /** Nothing is written, but it has to be as it was read; revision 0 is a row that is not there. */
  | (RowKey & { readonly does: "compare"; readonly revision: number });

/** A row was changed since it was read, or is not there any more. */
export class StaleRead extends Error {
  override readonly name = "StaleRead";
}

/** A database that keeps the tables. Fails with `StaleRead` or a `BerthError`. */
export interface Backend {
  readonly build: QueryBuilder;
  readonly events: StoreEvents;
  rows(query: CompiledQuery): Promise<readonly Row[]>;
  /** The row of a key; what is asked for at the same time may go to the database together. */
  row(key: RowKey): Promise<Row | undefined>;
  /** What `OrganizationStore.access` answers from, with the columns of `accessColumns`. */
  access(question: AccessQuestion): Promise<readonly Row[]>;
  /** All changes or none; when it resolves they are on the disk, or with `isObserved` on their way there. */
  commit(changes: readonly Change[], options: { readonly isObserved: boolean; readonly nowMs: number }): Promise<void>;
  ping(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
