import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import type { GetSettingsResponseSchema, SettingsService, UpdateSettingsRequest } from "../../contract/gen/berth/v1/settings_pb.js";
import type { MachineSize } from "../settings.ts";
import { computerGitIdentity } from "./git-identity.ts";
import type { HostSettings, SettingsChange } from "./host-settings.ts";

/** berth.v1.SettingsService. `changed` is called after every change. */
export function settingsService(settings: HostSettings, changed: () => void): Partial<ServiceImpl<typeof SettingsService>> {
  return {
    getSettings: async () => view(settings),
    updateSettings: async (request) => {
      await settings.change(changeOf(request));
      changed();
      return { settings: await view(settings) };
    },
  };
}

function changeOf(request: UpdateSettingsRequest): SettingsChange {
  const { cpus, memoryBytes, dataDiskLimitBytes, machineIdleMinutes, machineUnusedMinutes, gitUserName, gitUserEmail } = request;
  return {
    ...(cpus === undefined ? {} : { cpus }),
    ...(memoryBytes === undefined ? {} : { memoryBytes: Number(memoryBytes) }),
    ...(dataDiskLimitBytes === undefined ? {} : { dataDiskLimitBytes: Number(dataDiskLimitBytes) }),
    ...(machineIdleMinutes === undefined ? {} : { machineIdleMinutes }),
    ...(machineUnusedMinutes === undefined ? {} : { machineUnusedMinutes }),
    ...(gitUserName === undefined ? {} : { gitUserName: gitUserName.trim() }),
    ...(gitUserEmail === undefined ? {} : { gitUserEmail: gitUserEmail.trim() }),
  };
}

async function view(settings: HostSettings): Promise<MessageInitShape<typeof GetSettingsResponseSchema>> {
  const { stored, startedSize } = settings;
  const computer = await computerGitIdentity();
  return {
    settings: {
      machineSize: sizeMessage(stored),
      machineIdleMinutes: stored.machineIdleMinutes,
      machineUnusedMinutes: stored.machineUnusedMinutes,
      gitUserName: stored.gitUserName,
      gitUserEmail: stored.gitUserEmail,
    },
    leastSize: sizeMessage(settings.leastSize),
    greatestSize: sizeMessage(settings.greatestSize),
    defaultSize: sizeMessage(settings.defaultSize),
    nextSize: sizeMessage(settings.nextSize),
    ...(startedSize === undefined ? {} : { startedSize: sizeMessage(startedSize) }),
    computerGitUserName: computer.name,
    computerGitUserEmail: computer.email,
  };
}

function sizeMessage({ cpus, memoryBytes, dataDiskLimitBytes }: MachineSize) {
  return { cpus, memoryBytes: BigInt(memoryBytes), dataDiskLimitBytes: BigInt(dataDiskLimitBytes) };
}
