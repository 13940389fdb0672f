import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { AuditRecordSchema } from "../../contract/gen/berth/v1/audit_records_pb.js";
import { ResourceOperation, ResourceType } from "../../contract/gen/gitpod/v1/event_pb.js";
import { Principal } from "../../contract/gen/gitpod/v1/identity_pb.js";
import { type Log, messageOf } from "../../lib/log.ts";
import { uuidV7 } from "../../lib/uuid.ts";
import type { SignInEvents } from "../sign-in/ports.ts";
import { memberKind } from "../store/identity-kinds.ts";
import type { Store } from "../store/store.ts";
import { auditKind } from "./audit-kind.ts";

interface Entry {
  readonly organizationId: string;
  readonly accountId: string;
  readonly address: string;
  readonly method: string;
  readonly operation: ResourceOperation;
  /** What began or ended. */
  readonly what: string;
}

/** Writes who signs in and out into the log and the audit log of their organization; a sign-in does not wait for it. */
export function signInAudit({ store, log, now }: { readonly store: Store; readonly log: Log; readonly now: () => number }): SignInEvents {
  const write = (entry: Entry): void =>
    void insertEntry(store, entry, now()).catch((error: unknown) =>
      log.error("a sign-in is missing in the audit log", { ...entry, reason: messageOf(error) }),
    );
  return {
    signedIn: (event) => {
      log.info("signed in", event);
      write({ ...event, method: "auth/SignIn", operation: ResourceOperation.CREATE, what: `sign-in through ${event.through}` });
    },
    signedOut: (event) => {
      log.info("signed out", event);
      write({ ...event, method: "auth/SignOut", operation: ResourceOperation.DELETE, what: "sign-in through browser" });
    },
    reuseDetected: (event) => {
      log.warn("a used-up code or token came again; its sign-in was ended", event);
      const what = `sign-in whose ${event.model} was used a second time`;
      write({ ...event, address: "", method: "oauth/EndSignIn", operation: ResourceOperation.DELETE, what });
    },
  };
}

async function insertEntry(
  store: Store,
  { organizationId, accountId, address, method, operation, what }: Entry,
  nowMs: number,
): Promise<void> {
  const organization = store.inOrganization(organizationId);
  const member = await organization.find(memberKind, { nameKey: accountId });
  const id = member?.id ?? "";
  const entry = create(AuditRecordSchema, {
    id: uuidV7(nowMs),
    organizationId,
    actor: { id, principal: Principal.USER },
    address,
    method,
    subjectId: id,
    subjectType: ResourceType.USER,
    operation,
    changedFields: [what],
    createdAt: timestampFromMs(nowMs),
  });
  await organization.transaction(async (tx) => tx.insert(auditKind, entry.id, entry));
}
