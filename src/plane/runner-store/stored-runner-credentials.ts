import { create } from "@bufbuild/protobuf";
import {
  RunnerCredentialRecord_Kind as Kind,
  type RunnerCredentialRecord,
  RunnerCredentialRecordSchema,
} from "../../contract/gen/berth/v1/records_pb.js";
import type { RunnerCredential, RunnerCredentials } from "../runners/ports.ts";
import type { Store, Stored, View } from "../store/store.ts";
import { runnerCredentialKind } from "./kinds.ts";

const kinds = { exchange: Kind.EXCHANGE, access: Kind.ACCESS } as const;

/** Credentials of runners in the plane's store, as hashes only. */
export class StoredRunnerCredentials implements RunnerCredentials {
  readonly #view: View;

  constructor(store: Store) {
    this.#view = store.system("authentication");
  }

  async insert({ hash, kind, runnerId, organizationId, issuedAtMs, expiresAtMs }: RunnerCredential): Promise<void> {
    const record = create(RunnerCredentialRecordSchema, {
      hash,
      kind: kinds[kind],
      runnerId,
      issuedAtMs: BigInt(issuedAtMs),
      ...(expiresAtMs === undefined ? {} : { expiresAtMs: BigInt(expiresAtMs) }),
    });
    await this.#view.transaction(async (tx) => tx.insert(runnerCredentialKind, hash, record, { organizationId }));
  }

  async find(hash: string): Promise<RunnerCredential | undefined> {
    const stored = await this.#view.get(runnerCredentialKind, hash);
    return stored === undefined ? undefined : credentialOf(stored);
  }

  async take(hash: string): Promise<RunnerCredential | undefined> {
    return this.#view.transaction(async (tx) => {
      const stored = await tx.get(runnerCredentialKind, hash);
      if (stored === undefined) return undefined;
      tx.delete(runnerCredentialKind, stored);
      return credentialOf(stored);
    });
  }

  async removeIssuedBefore(runnerId: string, kind: RunnerCredential["kind"], beforeMs: number): Promise<void> {
    await this.#remove(runnerId, kind, ({ issuedAtMs }) => issuedAtMs < BigInt(beforeMs));
  }

  async removeIssuedAfter(runnerId: string, kind: RunnerCredential["kind"], afterMs: number): Promise<void> {
    await this.#remove(runnerId, kind, ({ issuedAtMs }) => issuedAtMs > BigInt(afterMs));
  }

  async #remove(runnerId: string, kind: RunnerCredential["kind"], isMeant: (record: RunnerCredentialRecord) => boolean): Promise<void> {
    await this.#view.transaction(async (tx) => {
      const issued = await tx.all(runnerCredentialKind, { where: { runnerIds: [runnerId], roles: [kinds[kind]] } });
      for (const stored of issued) if (isMeant(stored.message)) tx.delete(runnerCredentialKind, stored);
    });
  }
}

function credentialOf({ organizationId, message }: Stored<typeof RunnerCredentialRecordSchema>): RunnerCredential {
  const { hash, runnerId, issuedAtMs, expiresAtMs } = message;
  return {
    hash,
    kind: kindOf(message),
    runnerId,
    organizationId,
    issuedAtMs: Number(issuedAtMs),
    expiresAtMs: expiresAtMs === undefined ? undefined : Number(expiresAtMs),
  };
}

function kindOf({ kind }: RunnerCredentialRecord): RunnerCredential["kind"] {
  return kind === Kind.ACCESS ? "access" : "exchange";
}
