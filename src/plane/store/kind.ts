import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { ResourceType } from "../../contract/gen/gitpod/v1/event_pb.js";

/** What stands in columns beside a message, because it is filtered, ordered or unique. All of it can be derived from the message. */
export interface Columns {
  /** Where the message says it itself; a scoped view refuses another organization than its own. */
  readonly organizationId?: string;
  readonly creatorId?: string;
  readonly runnerId?: string;
  readonly projectId?: string;
  /** What it belongs to, e.g. the group of a membership; events of it reach those who watch the parent. */
  readonly parentId?: string;
  /** One more thing it is filtered by, which the kind chooses, e.g. the session of an environment. */
  readonly label?: string;
  readonly phase?: number;
  readonly role?: number;
  /** One of its kind in an organization has this; none when empty. */
  readonly nameKey?: string;
  /** One of its kind in the whole installation has this, e.g. the hash of a token; none when empty. */
  readonly lookupKey?: string;
  /** Where a search looks; capitals do not count. */
  readonly searchText?: string;
  /** For lists in the order of a text, e.g. names; capitals do not count. */
  readonly sortText?: string;
  readonly createdAtMs?: number;
  readonly archivedAtMs?: number;
  readonly expiresAtMs?: number;
}

/** A kind of record: its message, its columns, and what watchers are told when one changes. */
export interface Kind<Desc extends DescMessage> {
  /** In the database; never changed. */
  readonly name: string;
  readonly schema: Desc;
  readonly columns: (message: MessageShape<Desc>) => Columns;
  /** Changes of it are announced as those of this resource; without one nobody is told. */
  readonly resourceType?: ResourceType;
  /** Its records are never changed and never deleted one by one. */
  readonly isAppendOnly?: true;
}

/** Keeps the message's type while a kind is written down. */
export function defineKind<Desc extends DescMessage>(kind: Kind<Desc>): Kind<Desc> {
  return kind;
}
