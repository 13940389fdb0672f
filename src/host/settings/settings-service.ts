import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type GetSettingsResponseSchema,
  type NetworkSettings as NetworkMessage,
  ProxyMode,
  type SettingsService,
  type UpdateSettingsRequest,
} from "../../contract/gen/berth/v1/settings_pb.js";
import { noProxies, redactProxyUrl } from "../../lib/network/proxy.ts";
import type { MachineDriver } from "../../vm/driver.ts";
import { environmentProxies } from "../network/machine-network.ts";
import type { NetworkSettings, StoredNetwork } from "../network/network-settings.ts";
import type { MachineSize } from "../settings.ts";
import { computerGitIdentity } from "./git-identity.ts";
import type { HostSettings, SettingsChange } from "./host-settings.ts";

interface Kept {
  readonly driver: Pick<MachineDriver, "features">;
  readonly settings: HostSettings;
  readonly networkSettings: NetworkSettings;
}

/** berth.v1.SettingsService. `changed` is called after every change, before it is answered. */
export function settingsService(
  kept: Kept,
  env: NodeJS.ProcessEnv,
  changed: () => Promise<void>,
): Partial<ServiceImpl<typeof SettingsService>> {
  return {
    getSettings: async () => view(kept, env),
    updateSettings: async (request) => {
      if (request.network !== undefined) await kept.networkSettings.change(networkOf(request.network));
      await kept.settings.change(changeOf(request));
      await changed();
      return { settings: await view(kept, env) };
    },
  };
}

const modes = { computer: ProxyMode.COMPUTER, none: ProxyMode.NONE, own: ProxyMode.OWN } as const;

function networkOf({ proxyMode, httpProxy, httpsProxy, noProxy, caCertificateFiles }: NetworkMessage): StoredNetwork {
  const mode = proxyMode === ProxyMode.NONE ? "none" : proxyMode === ProxyMode.OWN ? "own" : "computer";
  return { proxyMode: mode, httpProxy, httpsProxy, noProxy, caCertificateFiles };
}

function changeOf(request: UpdateSettingsRequest): SettingsChange {
  const { cpus, memoryBytes, dataDiskLimitBytes, machineIdleMinutes, machineUnusedMinutes, gitUserName, gitUserEmail } = request;
  const { dedicatedCpus, dedicatedMemoryBytes } = request;
  return {
    ...(cpus === undefined ? {} : { cpus }),
    ...(memoryBytes === undefined ? {} : { memoryBytes: Number(memoryBytes) }),
    ...(dataDiskLimitBytes === undefined ? {} : { dataDiskLimitBytes: Number(dataDiskLimitBytes) }),
    ...(dedicatedCpus === undefined ? {} : { dedicatedCpus }),
    ...(dedicatedMemoryBytes === undefined ? {} : { dedicatedMemoryBytes: Number(dedicatedMemoryBytes) }),
    ...(machineIdleMinutes === undefined ? {} : { machineIdleMinutes }),
    ...(machineUnusedMinutes === undefined ? {} : { machineUnusedMinutes }),
    ...(gitUserName === undefined ? {} : { gitUserName: gitUserName.trim() }),
    ...(gitUserEmail === undefined ? {} : { gitUserEmail: gitUserEmail.trim() }),
  };
}

async function view(
  { driver, settings, networkSettings: { stored: network } }: Kept,
  env: NodeJS.ProcessEnv,
): Promise<MessageInitShape<typeof GetSettingsResponseSchema>> {
  const { stored, startedSize } = settings;
  const fromEnvironment = readableProxies(env);
  const computer = await computerGitIdentity();
  return {
    settings: {
      machineSize: sizeMessage(stored),
      machineIdleMinutes: stored.machineIdleMinutes,
      machineUnusedMinutes: stored.machineUnusedMinutes,
      dedicatedCpus: stored.dedicatedCpus,
      dedicatedMemoryBytes: BigInt(stored.dedicatedMemoryBytes),
      gitUserName: stored.gitUserName,
      gitUserEmail: stored.gitUserEmail,
      network: {
        proxyMode: modes[network.proxyMode],
        httpProxy: redactProxyUrl(network.httpProxy),
        httpsProxy: redactProxyUrl(network.httpsProxy),
        noProxy: network.noProxy,
        caCertificateFiles: [...network.caCertificateFiles],
      },
    },
    leastSize: sizeMessage(settings.leastSize),
    greatestSize: sizeMessage(settings.greatestSize),
    defaultSize: sizeMessage(settings.defaultSize),
    nextSize: sizeMessage(settings.nextSize),
    ...(startedSize === undefined ? {} : { startedSize: sizeMessage(startedSize) }),
    defaultDedicatedSize: sizeMessage(settings.defaultDedicatedSize),
    nextDedicatedSize: sizeMessage(settings.nextDedicatedSize),
    diskGrowsOnline: driver.features.diskGrowsOnline,
    computerGitUserName: computer.name,
    computerGitUserEmail: computer.email,
    computerHttpProxy: redactProxyUrl(fromEnvironment.httpProxy),
    computerHttpsProxy: redactProxyUrl(fromEnvironment.httpsProxy),
    computerNoProxy: fromEnvironment.noProxy,
  };
}

/** What cannot be read counts as nothing here; the diagnosis tells it. */
function readableProxies(env: NodeJS.ProcessEnv) {
  try {
    return environmentProxies(env);
  } catch {
    return noProxies;
  }
}

function sizeMessage({ cpus, memoryBytes, dataDiskLimitBytes }: MachineSize) {
  return { cpus, memoryBytes: BigInt(memoryBytes), dataDiskLimitBytes: BigInt(dataDiskLimitBytes) };
}
