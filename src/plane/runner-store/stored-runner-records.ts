import { create, equals } from "@bufbuild/protobuf";
import { BerthError } from "../../contract/berth-error.ts";
import { type RunnerStateRecord, RunnerStateRecordSchema } from "../../contract/gen/berth/v1/records_pb.js";
import { ResourceOperation } from "../../contract/gen/gitpod/v1/event_pb.js";
import { type Runner, RunnerPhase, RunnerSchema } from "../../contract/gen/gitpod/v1/runner_pb.js";
import type { RunnerRecord, RunnerRecords } from "../runners/ports.ts";
import { runnerKind } from "../store/fleet-kinds.ts";
import type { Store, Stored, View } from "../store/store.ts";
import { runnerStateKind } from "./kinds.ts";

/** The most that a view gives at once. */
const maxPageSize = 100;

/** Runners in the plane's store: what the API shows of one, and beside it what the protocol has to know. */
export class StoredRunnerRecords implements RunnerRecords {
  readonly #view: View;

  constructor(store: Store) {
    this.#view = store.system("runners");
  }

  async find(runnerId: string): Promise<RunnerRecord | undefined> {
    const [runner, state] = await Promise.all([this.#view.get(runnerKind, runnerId), this.#view.get(runnerStateKind, runnerId)]);
    return runner === undefined ? undefined : recordOf(runner, state?.message);
  }

  async update(runnerId: string, change: (record: RunnerRecord) => RunnerRecord | undefined): Promise<RunnerRecord> {
    return this.#view.transaction(async (tx) => {
      const [stored, state] = await Promise.all([tx.get(runnerKind, runnerId), tx.get(runnerStateKind, runnerId)]);
      if (stored === undefined) throw new BerthError("resource-not-found", `there is no runner ${runnerId}`);
      const before = recordOf(stored, state?.message);
      const changed = change(before);
      if (changed === undefined) return before;
      const stateAfter = stateOf(changed);
      if (!equals(RunnerSchema, stored.message, changed.runner))
        tx.update(runnerKind, stored, changed.runner, { operation: ResourceOperation.UPDATE_STATUS });
      if (state === undefined) tx.insert(runnerStateKind, runnerId, stateAfter, { organizationId: stored.organizationId });
      else if (!equals(RunnerStateRecordSchema, state.message, stateAfter)) tx.update(runnerStateKind, state, stateAfter);
      return changed;
    });
  }

  async missingSince(beforeMs: number, limit: number): Promise<readonly string[]> {
    const ids: string[] = [];
    let token = "";
    do {
      const page = { pageSize: Math.min(maxPageSize, limit - ids.length), token };
      const found = await this.#view.list(runnerStateKind, page, { where: { expiresBeforeMs: beforeMs } });
      ids.push(...found.items.map(({ id }) => id));
      token = found.nextToken;
    } while (token !== "" && ids.length < limit);
    return ids;
  }
}

function recordOf({ message: runner, organizationId }: Stored<typeof RunnerSchema>, state?: RunnerStateRecord): RunnerRecord {
  return {
    runner,
    organizationId,
    session: state?.session ?? "",
    pendingSession: state?.pendingSession ?? "",
    credentialIssuedAtMs: Number(state?.credentialIssuedAtMs ?? 0n),
    lastActiveMs: Number(state?.lastActiveMs ?? 0n),
    configurationSchema: state?.configurationSchema,
  };
}

function stateOf({ runner, session, pendingSession, credentialIssuedAtMs, lastActiveMs, configurationSchema }: RunnerRecord) {
  return create(RunnerStateRecordSchema, {
    session,
    pendingSession,
    credentialIssuedAtMs: BigInt(credentialIssuedAtMs),
    lastActiveMs: BigInt(lastActiveMs),
    isThere: isThere(runner),
    ...(configurationSchema === undefined ? {} : { configurationSchema }),
  });
}

function isThere({ status }: Runner): boolean {
  return status?.phase === RunnerPhase.ACTIVE || status?.phase === RunnerPhase.DEGRADED;
}
