import { connectNodeAdapter } from "@connectrpc/connect-node";
import { chmodSync, mkdirSync } from "node:fs";
import { cpus, homedir, totalmem } from "node:os";
import { join } from "node:path";
import { HostService, WorkspaceService } from "../contract/gen/berth/v1/host_pb.js";
import { SettingsService } from "../contract/gen/berth/v1/settings_pb.js";
import { SyncService } from "../contract/gen/berth/v1/sync_pb.js";
import { SupportService } from "../contract/gen/berth/v1/support_pb.js";
import { TerminalService } from "../contract/gen/berth/v1/terminal_pb.js";
import { Engine, engineCalls } from "../engine/engine.ts";
import { MachineKeeper } from "../engine/machine-keeper.ts";
import type { MachineKeeperOptions } from "../engine/machine-view.ts";
import { UnusedWatch } from "../engine/unused-watch.ts";
import { type Log, messageOf } from "../lib/log.ts";
import { type BerthPaths, berthPaths } from "../lib/paths.ts";
import { sshAliasOf } from "../lib/ssh-alias.ts";
import { version } from "../lib/version.ts";
import { createPlane, type Plane } from "../plane/create-plane.ts";
import { Sealer } from "../plane/seal.ts";
import type { MachineDriver } from "../vm/driver.ts";
import { MachineImages, removeOldImages } from "../vm/image/machine-images.ts";
import { chooseDriver } from "./choose-driver.ts";
import { detailsOf } from "./details.ts";
import { growDisk } from "./grow-disk.ts";
import { lockHost } from "./host-lock.ts";
import { hostService } from "./host-service.ts";
import { fileLog } from "./log.ts";
import { LoopbackServer } from "./loopback.ts";
import { machineMessage } from "./machine-message.ts";
import { LinkNameServers } from "./network/link-name-servers.ts";
import { currentNameServers } from "./network/name-servers.ts";
import { collectNetwork, watchNameServers } from "./network/machine-network.ts";
import { NetworkSettings } from "./network/network-settings.ts";
import { PortKeeper } from "./port-keeper.ts";
import { serveOnSocket } from "./serve.ts";
import { machineId, type MachineSize, proxyCommand, uiFolder } from "./settings.ts";
import { computerGitIdentity, type GitIdentity } from "./settings/git-identity.ts";
import { HostSettings } from "./settings/host-settings.ts";
import { settingsService } from "./settings/settings-service.ts";
import { ensureSshKey } from "./ssh-keys.ts";
import { SshFiles } from "./ssh-files.ts";
import { supportService } from "./support/support-service.ts";
import { syncService } from "./sync/sync-service.ts";
import { Syncs } from "./sync/syncs.ts";
import { terminalService } from "./terminals.ts";
import { WatchHub } from "./watch-hub.ts";
import { workspaceService } from "./workspace-service.ts";

/** How long ending waits for machines that are to go down with the host. */
const powerOffTimeoutMs = 120_000;

export interface HostOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Called when everything has ended. */
  readonly onEnd: () => void;
}

export interface Host {
  /** Ends the host; machines run on. */
  end(): Promise<void>;
}

/** The parts of a host that its services use. */
export interface HostParts {
  readonly paths: BerthPaths;
  readonly log: Log;
  readonly driver: MachineDriver;
  readonly machine: MachineKeeper;
  readonly images: MachineImages;
  readonly plane: Plane;
  readonly engine: Engine;
  readonly ports: PortKeeper;
  readonly sshFiles: SshFiles;
  readonly settings: HostSettings;
  readonly networkSettings: NetworkSettings;
  readonly hub: WatchHub;
  readonly syncs: Syncs;
  readonly startedAtMs: number;
}

/** Puts plane, engine, driver and services together and serves them. Fails with `host-running`, `store-corrupt` or `store-too-new`. */
export async function createHost({ env, onEnd }: HostOptions): Promise<Host> {
  const paths = berthPaths(env);
  makeFolders(paths);
  const lock = lockHost(join(paths.home, "host.lock"));
  const log = fileLog(paths.hostLog);
  const parts = await createParts(env, paths, log);
  const { machine, plane, engine, ports, settings, syncs } = parts;
  const unused = new UnusedWatch({
    machine,
    environments: async () => plane.environmentStore.list(),
    unusedMinutes: () => settings.stored.machineUnusedMinutes,
    now: () => Date.now(),
    log,
  });
  const stopWatchingNameServers = watchNameServers(() => machine.setNetwork());
  let ending: Promise<void> | undefined;
  const endOnce = async (): Promise<void> => {
    engine.stop();
    unused.stop();
    stopWatchingNameServers();
    await Promise.all([ports.close(), stopServing(), syncs.close()]);
    machine.close();
    loopback.close();
    plane.close();
    lock.release();
    log.info("the host ended");
    onEnd();
  };
  const end = async (): Promise<void> => (ending ??= endOnce());
  const handler = connectNodeAdapter({
    interceptors: plane.interceptors,
    routes: (router) => {
      plane.routes(router);
      router.service(WorkspaceService, workspaceService(parts));
      router.service(TerminalService, terminalService(parts));
      router.service(
        SettingsService,
        settingsService(parts, env, async () => {
          await growDisk(parts);
          parts.hub.touch();
          machine.setNetwork();
          void engine.idleTimeChanged();
        }),
      );
      router.service(SupportService, supportService(parts, env));
      router.service(SyncService, syncService(parts));
      router.service(
        HostService,
        hostService(parts, {
          env,
          openLoopback: async () => loopback.open(),
          uiLink: async () => loopback.uiLink(),
          stop: async (o) => stop(parts, o, end),
        }),
      );
    },
  });
  const loopback = loopbackServer(parts, env, handler);
  const stopServing = await serveOnSocket({ socketPath: paths.apiSocket, handler, log });
  await engine.start();
  unused.start();
  await syncs.load();
  log.info("the host is ready", { home: paths.home, version });
  return { end };
}

function loopbackServer(
  { paths, plane, log }: HostParts,
  env: NodeJS.ProcessEnv,
  handler: ReturnType<typeof connectNodeAdapter>,
): LoopbackServer {
  return new LoopbackServer({
    handler,
    serveJsonl: plane.serveJsonl,
    uiFolder: uiFolder(env),
    portFile: join(paths.home, "loopback-port"),
    now: () => Date.now(),
    log,
  });
}

/** The person's alone. */
function makeFolders(paths: BerthPaths): void {
  for (const folder of [paths.home, paths.run, paths.logs, paths.machines]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
  }
}

async function createParts(env: NodeJS.ProcessEnv, paths: BerthPaths, log: Log): Promise<HostParts> {
  const now = (): number => Date.now();
  const { driver, images: source, onUpgradeStep } = chooseDriver({ env, paths, log });
  const machinesFolder = paths.machines;
  const images = new MachineImages({ machineId, machinesFolder, source, driver, log, now, onStep: onUpgradeStep });
  await removeOldImages({ machinesFolder, source, driver }).catch((error: unknown) =>
    log.warn("old machine images were not removed", { reason: messageOf(error) }),
  );
  const settings = await HostSettings.open(paths.settings, { cpus: cpus().length, memoryBytes: totalmem() }, log);
  const networkSettings = await NetworkSettings.open(paths.networkSettings, await Sealer.open(paths.keyFile), log);
  const machine = new MachineKeeper({
    driver,
    id: machineId,
    log,
    now,
    ...machineSource({ env, driver, settings, networkSettings, images }),
    judge: images,
  });
  const gitIdentity = async (): Promise<GitIdentity> => {
    const { gitUserName: name, gitUserEmail: email } = settings.stored;
    return name === "" && email === "" ? computerGitIdentity() : { name, email };
  };
  const plane = await createPlane({ databasePath: paths.database, keyPath: paths.keyFile, engineCalls, now, version, gitIdentity });
  const authorizedKeys = async (id: string): Promise<string[]> => [(await ensureSshKey(paths.sshFolder, id)).publicKey];
  const engine = new Engine({
    store: plane.environmentStore,
    machine,
    log,
    authorizedKeys,
    machineIdleMinutes: () => settings.stored.machineIdleMinutes,
  });
  const ports: PortKeeper = new PortKeeper({ plane, machine, log, onChange: () => hub.touch() });
  const sshFiles = new SshFiles({
    paths,
    userConfig: env["BERTH_SSH_CONFIG"] ?? join(homedir(), ".ssh", "config"),
    proxy: proxyCommand(env),
    log,
    environments: async () =>
      (await plane.environmentStore.list()).map(({ id, metadata }) => ({
        id,
        alias: sshAliasOf(metadata?.name ?? "", id),
        hostPublicKey: machine.environment(id)?.sshHostPublicKey ?? "",
      })),
  });
  const hub = new WatchHub(
    {
      environments: async () => plane.environmentStore.list(),
      details: (environment) => detailsOf(environment, machine.environment(environment.id), ports.forwards(environment.id)),
      machine: async () => machineMessage({ driver, machine, images, settings, environments: await plane.environmentStore.list() }),
      failed: (error) => log.warn("a change was not told to those who watch", { reason: messageOf(error) }),
    },
    now(),
  );
  const changed = (): void => {
    hub.touch();
    void sshFiles.write();
  };
  plane.events.subscribe(changed);
  machine.onChange(() => {
    changed();
    ports.follow();
  });
  const syncs = new Syncs({ berthHome: paths.home, machineOf: () => machine, now, log });
  return { paths, log, driver, machine, images, plane, engine, ports, sshFiles, settings, networkSettings, hub, syncs, startedAtMs: now() };
}

/** What the machine is started as, and how it is told to get to the world. */
function machineSource(
  parts: Pick<HostParts, "driver" | "settings" | "networkSettings" | "images"> & { readonly env: NodeJS.ProcessEnv },
): Pick<MachineKeeperOptions, "network" | "spec"> {
  const { env, driver, settings, networkSettings, images } = parts;
  const linkNameServers = new LinkNameServers(currentNameServers);
  return {
    network: async () => {
      const { network } = await collectNetwork(networkSettings.stored, env);
      return { ...network, nameServers: linkNameServers.toTell(network.nameServers) };
    },
    spec: async (signal) => {
      const { state } = await driver.inspect(machineId);
      await linkNameServers.noteStart({ isRunning: state === "running" || state === "paused" });
      return { id: machineId, image: await images.next(signal), ...(await sizeToStart(driver, settings)) };
    },
  };
}

/** A machine that runs or was suspended keeps the size it was started with; one that is booted now gets what is set. */
async function sizeToStart(driver: MachineDriver, settings: HostSettings): Promise<MachineSize> {
  const status = await driver.inspect(machineId);
  const isSuspended = status.state === "off" && status.suspended !== undefined;
  if (status.state === "running" || status.state === "paused" || isSuspended) return settings.startedSize ?? settings.nextSize;
  const size = settings.nextSize;
  await settings.noteStart(size);
  return size;
}

/** Ends the host from within a call, which is answered first. */
async function stop(
  { engine, machine, log }: HostParts,
  options: { readonly keepMachines: boolean },
  end: () => Promise<void>,
): Promise<void> {
  // An engine that goes on would start the machine again.
  engine.stop();
  try {
    if (!options.keepMachines) await machine.rest(AbortSignal.timeout(powerOffTimeoutMs), { nothingRuns: false });
  } finally {
    setImmediate(() => void end().catch((error: unknown) => log.error("the host did not end in order", { reason: messageOf(error) })));
  }
}
