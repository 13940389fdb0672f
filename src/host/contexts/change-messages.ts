import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { BerthError } from "../../contract/berth-error.ts";
import {
  type DroppedChange,
  DroppedChange_Reason as Reason,
  DroppedChangeSchema,
  type WaitingChange,
  WaitingChange_Kind as Kind,
  WaitingChangeSchema,
} from "../../contract/gen/berth/v1/context_pb.js";
import type { ChangeKind } from "./change-rule.ts";
import type { DroppedRecord, QueuedChange } from "./waiting-changes.ts";

const kinds: Readonly<Record<ChangeKind, Kind>> = {
  start: Kind.START,
  stop: Kind.STOP,
  delete: Kind.DELETE,
  rename: Kind.RENAME,
};
const reasons: Readonly<Record<DroppedRecord["reason"], Reason>> = {
  "changed-meanwhile": Reason.CHANGED_MEANWHILE,
  gone: Reason.GONE,
  refused: Reason.REFUSED,
};

/** Fails with `argument-invalid` for a kind that is none. */
export function changeKindOf(kind: Kind): ChangeKind {
  switch (kind) {
    case Kind.START:
      return "start";
    case Kind.STOP:
      return "stop";
    case Kind.DELETE:
      return "delete";
    case Kind.RENAME:
      return "rename";
    case Kind.UNSPECIFIED:
      throw new BerthError("argument-invalid", "the request does not say what is to change");
  }
}

export function waitingMessage(change: QueuedChange): WaitingChange {
  const { id, environmentId, environmentName, kind, newName, madeAtMs, needsConfirmation } = change;
  return create(WaitingChangeSchema, {
    ...{ changeId: id, environmentId, environmentName, newName, needsConfirmation },
    kind: kinds[kind],
    madeAt: timestampFromMs(madeAtMs),
  });
}

export function droppedMessage({ change, reason, errorCode, detail, droppedAtMs }: DroppedRecord): DroppedChange {
  return create(DroppedChangeSchema, {
    ...{ change: waitingMessage(change), errorCode, detail },
    reason: reasons[reason],
    droppedAt: timestampFromMs(droppedAtMs),
  });
}
