import { type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { Sync_State, type SyncSchema, type SyncService } from "../../contract/gen/berth/v1/sync_pb.js";
import { withoutControls } from "../../lib/terminals/osc-scanner.ts";
import type { HostParts } from "../create-host.ts";
import type { SyncSession, SyncState } from "./sync-session.ts";

/** A person mends them one after the other; more would only fill the answer. */
const maxListed = 100;

const states: Readonly<Record<SyncState, Sync_State>> = {
  "in-sync": Sync_State.IN_SYNC,
  syncing: Sync_State.SYNCING,
  waiting: Sync_State.WAITING,
  halted: Sync_State.HALTED,
  failing: Sync_State.FAILING,
};

/** berth.v1.SyncService */
export function syncService({ plane, syncs }: Pick<HostParts, "plane" | "syncs">): ServiceImpl<typeof SyncService> {
  return {
    async startSync({ environmentId, localFolder, path, ignorePatterns }) {
      if ((await plane.environmentStore.get(environmentId)) === undefined)
        throw new BerthError("environment-not-found", `there is no environment ${environmentId}`);
      return { sync: syncMessage(await syncs.start({ environmentId, localFolder, path, ignorePatterns })) };
    },
    listSyncs: () => ({ syncs: syncs.all.map(syncMessage) }),
    async stopSync({ syncId }) {
      await syncs.stop(syncId);
      return {};
    },
    resumeSync({ syncId, acceptDeletes, acceptConflicts }) {
      syncs.get(syncId).resume({ deletes: acceptDeletes, conflicts: acceptConflicts });
      return {};
    },
    async syncNow({ syncId }, { signal }) {
      const session = syncs.get(syncId);
      await session.now(signal);
      return { sync: syncMessage(session) };
    },
  };
}

function syncMessage({ record, view }: SyncSession): MessageInitShape<typeof SyncSchema> {
  const { state, halt, detail, conflicts, problems, files, bytes, lastSyncedAtMs } = view;
  return {
    syncId: record.id,
    environmentId: record.environmentId,
    localFolder: record.localFolder,
    path: record.path,
    ignorePatterns: record.ignorePatterns,
    state: states[state],
    halt: halt ?? "",
    detail: withoutControls(detail),
    conflicts: conflicts.slice(0, maxListed).map(({ path, keptAs }) => ({ path, keptAs })),
    totalConflicts: conflicts.length,
    // Only what is not synced may have a name with signs that a terminal obeys.
    problems: problems.slice(0, maxListed).map(({ path, side, reason, detail: why }) => ({
      path: withoutControls(path),
      local: side === "local",
      reason,
      detail: withoutControls(why),
    })),
    totalProblems: problems.length,
    files,
    bytes: BigInt(bytes),
    ...(lastSyncedAtMs === undefined ? {} : { lastSyncedAt: timestampFromMs(lastSyncedAtMs) }),
    startedAt: timestampFromMs(record.startedAtMs),
  };
}
