import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { SharedFolder_State, type SharedFolderSchema, type SharedFolderService } from "../../contract/gen/berth/v1/shared_folder_pb.js";
import { withoutControls } from "../../lib/terminals/osc-scanner.ts";
import type { HostParts } from "../create-host.ts";
import type { SharedFolderState, SharedFolderView } from "./shared-folders.ts";

const states: Readonly<Record<SharedFolderState, SharedFolder_State>> = {
  waiting: SharedFolder_State.WAITING,
  shared: SharedFolder_State.SHARED,
  "restart-needed": SharedFolder_State.RESTART_NEEDED,
  failed: SharedFolder_State.FAILED,
  removed: SharedFolder_State.REMOVED,
};

/** berth.v1.SharedFolderService */
export function sharedFolderService({
  plane,
  sharedFolders,
}: Pick<HostParts, "plane" | "sharedFolders">): ServiceImpl<typeof SharedFolderService> {
  return {
    async addSharedFolder({ environmentId, localFolder, name, writable }) {
      if ((await plane.environmentStore.get(environmentId)) === undefined)
        throw new BerthError("environment-not-found", `there is no environment ${environmentId}`);
      return { sharedFolder: messageOf(await sharedFolders.add({ environmentId, localFolder, name, writable })) };
    },
    listSharedFolders: () => ({ sharedFolders: sharedFolders.all.map(messageOf) }),
    async removeSharedFolder({ sharedFolderId }) {
      await sharedFolders.remove(sharedFolderId);
      return {};
    },
  };
}

function messageOf({ record, state, detail }: SharedFolderView): MessageInitShape<typeof SharedFolderSchema> {
  return {
    sharedFolderId: record.id,
    environmentId: record.environmentId,
    localFolder: record.localFolder,
    name: record.name,
    writable: record.writable,
    state: states[state],
    // A machine may have said it.
    detail: withoutControls(detail),
    addedAt: timestampFromMs(record.addedAtMs),
  };
}
