import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { BerthError } from "../../contract/berth-error.ts";
import { type DomainRecord, DomainRecordSchema } from "../../contract/gen/berth/v1/sign_in_records_pb.js";
import { DomainVerificationSchema, DomainVerificationState } from "../../contract/gen/gitpod/v1/organization_pb.js";
import type { Log } from "../../lib/log.ts";
import type { DomainVerifier } from "../sign-in/domain-verification.ts";
import type { Store, Stored } from "../store/store.ts";
import { domainVerificationKind } from "./provider-kinds.ts";

/** How often the record of a verified domain is looked at. */
const checkEveryMs = 24 * 60 * 60_000;
/** After a resolver's failure. */
const retryMs = 60 * 60_000;
/** A record may be missing for so long, e.g. while somebody moves a zone, before the domain counts no more. */
const maxMissingMs = 7 * 24 * 60 * 60_000;
const batchSize = 20;

/** Looks whether verified domains are still those of their organizations. */
export class DomainChecks {
  readonly #needs: { readonly store: Store; readonly verifier: DomainVerifier; readonly log: Log; readonly now: () => number };

  constructor(needs: { readonly store: Store; readonly verifier: DomainVerifier; readonly log: Log; readonly now: () => number }) {
    this.#needs = needs;
  }

  /** Looks at those whose time has come, a batch at most; to be called every few minutes by any of the server's processes. */
  async checkDue(signal: AbortSignal): Promise<void> {
    const where = { phases: [DomainVerificationState.VERIFIED], expiresBeforeMs: this.#needs.now() };
    const { items } = await this.#needs.store
      .system("housekeeping")
      .list(domainVerificationKind, { pageSize: batchSize, token: "" }, { where });
    for (const item of items) if (!signal.aborted) await this.#check(item, signal);
  }

  async #check({ id, organizationId, message }: Stored<typeof DomainRecordSchema>, signal: AbortSignal): Promise<void> {
    const { verifier, store, log, now } = this.#needs;
    const { domain = "", verificationToken = "" } = message.verification ?? {};
    const outcome = await verifier.verify(domain, verificationToken, signal).then(
      () => "there" as const,
      (error: unknown) =>
        error instanceof BerthError && error.code === "domain-record-missing" ? ("missing" as const) : ("unknown" as const),
    );
    await store.inOrganization(organizationId).transaction(async (tx) => {
      const stored = await tx.get(domainVerificationKind, id);
      if (stored?.message.verification?.state !== DomainVerificationState.VERIFIED) return;
      tx.update(domainVerificationKind, stored, recordAfter(stored.message, outcome, now()));
    });
    if (outcome !== "there") log.warn("a verified domain was not confirmed", { domain, organizationId, outcome });
  }
}

function recordAfter(record: DomainRecord, outcome: "there" | "missing" | "unknown", nowMs: number): DomainRecord {
  const { verification = create(DomainVerificationSchema), missingSince } = record;
  if (outcome === "there") return verifiedRecord(verification, nowMs);
  if (outcome === "unknown") return create(DomainRecordSchema, { ...record, checkAt: timestampFromMs(nowMs + retryMs) });
  const since = missingSince ?? timestampFromMs(nowMs);
  if (nowMs - timestampMs(since) < maxMissingMs)
    return create(DomainRecordSchema, { verification, missingSince: since, checkAt: timestampFromMs(nowMs + checkEveryMs) });
  const { verifiedAt: _verifiedAt, ...rest } = verification;
  return create(DomainRecordSchema, {
    verification: create(DomainVerificationSchema, { ...rest, state: DomainVerificationState.PENDING }),
  });
}

/** A domain whose record was seen just now. */
export function verifiedRecord(verification: NonNullable<DomainRecord["verification"]>, nowMs: number): DomainRecord {
  const verifiedAt = verification.state === DomainVerificationState.VERIFIED ? verification.verifiedAt : undefined;
  return create(DomainRecordSchema, {
    verification: create(DomainVerificationSchema, {
      ...verification,
      state: DomainVerificationState.VERIFIED,
      verifiedAt: verifiedAt ?? timestampFromMs(nowMs),
    }),
    checkAt: timestampFromMs(nowMs + checkEveryMs),
  });
}
