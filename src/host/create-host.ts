import type { ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { chmodSync, mkdirSync } from "node:fs";
import { cpus, homedir, totalmem } from "node:os";
import { join } from "node:path";
import type { EngineCalls, EnvironmentStore } from "../contract/engine-port.ts";
import { RemoteAccessService } from "../contract/gen/berth/v1/remote_access_pb.js";
import { ContextService } from "../contract/gen/berth/v1/context_pb.js";
import { HostService, WorkspaceService } from "../contract/gen/berth/v1/host_pb.js";
import { SettingsService } from "../contract/gen/berth/v1/settings_pb.js";
import { SharedFolderService } from "../contract/gen/berth/v1/shared_folder_pb.js";
import { SyncService } from "../contract/gen/berth/v1/sync_pb.js";
import { SupportService } from "../contract/gen/berth/v1/support_pb.js";
import { TerminalService } from "../contract/gen/berth/v1/terminal_pb.js";
import type { Keychain } from "../bridge/token-store.ts";
import { Engine, engineCalls } from "../engine/engine.ts";
import type { Machines } from "../engine/machines.ts";
import { Templates } from "../engine/templates.ts";
import { UnusedWatch } from "../engine/unused-watch.ts";
import { type Log, messageOf } from "../lib/log.ts";
import { type BerthPaths, berthPaths } from "../lib/paths.ts";
import { sshAliasOf } from "../lib/ssh-alias.ts";
import { version } from "../lib/version.ts";
import { createPlane, type Plane } from "../plane/create-plane.ts";
import { Sealer } from "../plane/seal.ts";
import type { MachineDriver } from "../vm/driver.ts";
import { removeOldImages } from "../vm/image/machine-images.ts";
import { chooseDriver } from "./choose-driver.ts";
import { contextService } from "./contexts/context-service.ts";
import { Contexts } from "./contexts/contexts.ts";
import { remoteAccessService } from "./contexts/remote-access-service.ts";
import { RemoteSsh } from "./contexts/remote-ssh.ts";
import { createMachines, type HostMachines } from "./create-machines.ts";
import { detailsOf } from "./details.ts";
import { growDisks } from "./grow-disk.ts";
import { lockHost } from "./host-lock.ts";
import { hostService } from "./host-service.ts";
import { fileLog } from "./log.ts";
import { LoopbackServer } from "./loopback.ts";
import { machineMessages } from "./machine-message.ts";
import { watchNameServers } from "./network/machine-network.ts";
import { NetworkSettings } from "./network/network-settings.ts";
import { PortKeeper } from "./port-keeper.ts";
import { serveOnSocket } from "./serve.ts";
import { type MachineSize, proxyCommand, uiFolder } from "./settings.ts";
import { computerGitIdentity, type GitIdentity } from "./settings/git-identity.ts";
import { HostSettings } from "./settings/host-settings.ts";
import { settingsService } from "./settings/settings-service.ts";
import { ensureSshKey } from "./ssh-keys.ts";
import { SshFiles } from "./ssh-files.ts";
import { supportService } from "./support/support-service.ts";
import { sharedFolderService } from "./shared-folders/shared-folder-service.ts";
import { SharedFolders } from "./shared-folders/shared-folders.ts";
import { syncService } from "./sync/sync-service.ts";
import { Syncs } from "./sync/syncs.ts";
import { terminalService } from "./terminals.ts";
import { WatchHub } from "./watch-hub.ts";
import { workspaceService } from "./workspace-service.ts";

/** How long ending waits for machines that are to go down with the host. */
const powerOffTimeoutMs = 120_000;

export interface HostOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Seals sign-ins to planes; without one they are in files of mode 0600. */
  readonly keychain?: Keychain;
  /** Called when everything has ended. */
  readonly onEnd: () => void;
  /** What it is besides the host of this computer's person. */
  readonly role?: HostRole;
}

/** A part that a host plays for others, e.g. of a plane's runner. */
export interface HostRole {
  readonly log: Log;
  /** What the host is to use in place of the embedded plane, or that. */
  plane(embedded: Plane, settings: Pick<HostSettings, "dedicatedBounds">): Plane;
  /** What an environment's class says of the size of its own machine. Fails with `class-unfit`. */
  classSize(environmentId: string): Partial<MachineSize>;
  /** What the engine is to see of the plane's environments. */
  engineStore(store: EnvironmentStore): EnvironmentStore;
  /** Fails with what keeps one more environment from being made. */
  mayCreate(existingCount: number): void;
  stepFailed(step: string, code: string): void;
  routes(router: ConnectRouter, parts: HostParts): void;
  /** Begins what the engine needs to start: where its environments come from. */
  connect(parts: HostParts): void;
  /** Begins once the engine works. */
  start(parts: HostParts): Promise<void>;
  /** `asked`: by a call, and not because this process is to give way to the next. */
  end(how: { readonly asked: boolean }): Promise<void>;
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
  readonly machines: Machines;
  readonly imagesOf: HostMachines["imagesOf"];
  readonly sizesOf: HostMachines["sizesOf"];
  readonly plane: Plane;
  readonly engine: Engine;
  readonly ports: PortKeeper;
  readonly sshFiles: SshFiles;
  readonly settings: HostSettings;
  readonly networkSettings: NetworkSettings;
  readonly hub: WatchHub;
  readonly syncs: Syncs;
  readonly sharedFolders: SharedFolders;
  readonly contexts: Contexts;
  readonly remoteSsh: RemoteSsh;
  readonly startedAtMs: number;
}

/** Puts plane, engine, driver and services together and serves them. Fails with `host-running`, `store-corrupt` or `store-too-new`. */
export async function createHost({ env, keychain, onEnd, role }: HostOptions): Promise<Host> {
  const paths = berthPaths(env);
  makeFolders(paths);
  const lock = lockHost(join(paths.home, "host.lock"));
  const log = role?.log ?? fileLog(paths.hostLog);
  const parts = await createParts({ env, paths, log, keychain, role });
  const { machines, plane, engine, ports, settings, syncs, contexts } = parts;
  const unused = new UnusedWatch({
    machines,
    environments: async () => plane.environmentStore.list(),
    unusedMinutes: () => settings.stored.machineUnusedMinutes,
    now: () => Date.now(),
    log,
  });
  const stopWatchingNameServers = watchNameServers(() => machines.setNetwork());
  let ending: Promise<void> | undefined;
  const endOnce = async (asked: boolean): Promise<void> => {
    engine.stop();
    await role?.end({ asked });
    unused.stop();
    stopWatchingNameServers();
    await Promise.all([ports.close(), stopServing(), syncs.close()]);
    machines.close();
    contexts.close();
    loopback.close();
    await plane.close();
    lock.release();
    log.info("the host ended");
    onEnd();
  };
  const end = async (asked = false): Promise<void> => (ending ??= endOnce(asked));
  const handler = connectNodeAdapter({
    interceptors: plane.interceptors,
    routes: (router) => {
      serveParts(router, parts, env);
      role?.routes(router, parts);
      router.service(
        HostService,
        hostService(parts, {
          env,
          openLoopback: async () => loopback.open(),
          uiLink: async () => loopback.uiLink(),
          stop: async (o) => stop(parts, o, async () => end(true)),
        }),
      );
    },
  });
  const loopback = loopbackServer(parts, env, handler);
  const stopServing = await serveOnSocket({ socketPath: paths.apiSocket, handler, log });
  role?.connect(parts);
  await engine.start();
  unused.start();
  await syncs.load();
  await role?.start(parts);
  log.info("the host is ready", { home: paths.home, version });
  return { end: async () => end() };
}

/** The services of what the host keeps, but for that of the host itself. */
function serveParts(router: ConnectRouter, parts: HostParts, env: NodeJS.ProcessEnv): void {
  const { plane, machines, engine, contexts } = parts;
  const settingsChanged = async (): Promise<void> => {
    await growDisks(parts);
    parts.hub.touch();
    machines.setNetwork();
    await engine.idleTimeChanged();
  };
  plane.routes(router);
  router.service(WorkspaceService, workspaceService(parts));
  router.service(TerminalService, terminalService(parts));
  router.service(SettingsService, settingsService(parts, env, settingsChanged));
  router.service(SupportService, supportService(parts, env));
  router.service(SyncService, syncService(parts));
  router.service(SharedFolderService, sharedFolderService(parts));
  router.service(ContextService, contextService(contexts));
  router.service(RemoteAccessService, remoteAccessService(parts));
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

async function createParts({
  env,
  paths,
  log,
  keychain,
  role,
}: Pick<HostParts, "paths" | "log"> & {
  readonly env: NodeJS.ProcessEnv;
  readonly keychain: Keychain | undefined;
  readonly role: HostRole | undefined;
}): Promise<HostParts> {
  const now = (): number => Date.now();
  const { driver, images: source, onUpgradeStep, memoryBytes = totalmem() } = chooseDriver({ env, paths, log });
  const machinesFolder = paths.machines;
  await removeOldImages({ machinesFolder, source, driver }).catch((error: unknown) =>
    log.warn("old machine images were not removed", { reason: messageOf(error) }),
  );
  const settings = await HostSettings.open(paths.settings, { cpus: cpus().length, memoryBytes }, log);
  const networkSettings = await NetworkSettings.open(paths.networkSettings, await Sealer.open(paths.keyFile), log);
  const plane = await openPlane({ paths, settings, now, role });
  const templates = new Templates({ driver, log, now });
  await templates.tidy().catch((error: unknown) => log.warn("templates were not tidied", { reason: messageOf(error) }));
  const sharedFolders = await SharedFolders.open({
    ...{ path: paths.sharedFolders, berthHome: paths.home, driver, now },
    machineOf: (id) => made.machines.kept(id),
    environmentExists: (id) => plane.exists(id),
  });
  const made = createMachines({
    ...{ machinesFolder, source, driver, log, now, env, settings, networkSettings, sharedFolders, onStep: onUpgradeStep },
    computerMemoryBytes: memoryBytes,
    isDedicated: (id) => plane.isDedicated(id),
    classSize: (id) => role?.classSize(id) ?? {},
    nameOf: (id) => plane.nameOf(id),
    template: async (spec, how, signal) => templates.get(spec, how, signal),
  });
  const { machines, imagesOf, sizesOf } = made;
  const engine = new Engine({
    store: role?.engineStore(plane.environmentStore) ?? plane.environmentStore,
    machines,
    log,
    stepFailed: (step, code) => role?.stepFailed(step, code),
    authorizedKeys: async (id) => [(await ensureSshKey(paths.sshFolder, id)).publicKey],
    machineIdleMinutes: () => settings.stored.machineIdleMinutes,
  });
  const onListed = (): void => void told?.sshFiles.write();
  const contexts = await Contexts.open({ folder: paths.contexts, keychain, log, now, random: Math.random, onListed });
  const kept = {
    paths,
    log,
    driver,
    machines,
    imagesOf,
    sizesOf,
    plane,
    engine,
    settings,
    networkSettings,
    sharedFolders,
    contexts,
    remoteSsh: new RemoteSsh(contexts),
    startedAtMs: now(),
  };
  const told: ReturnType<typeof tellChanges> | undefined = tellChanges(kept, env);
  return { ...kept, ...told };
}

/** The embedded plane, or what stands in its place. Fails with `store-corrupt` or `store-too-new`. */
async function openPlane({
  paths,
  settings,
  now,
  role,
}: Pick<HostParts, "paths" | "settings"> & { readonly now: () => number; readonly role: HostRole | undefined }): Promise<Plane> {
  const gitIdentity = async (): Promise<GitIdentity> => {
    const { gitUserName: name, gitUserEmail: email } = settings.stored;
    return name === "" && email === "" ? computerGitIdentity() : { name, email };
  };
  const dedicatedSize = (): MachineSize => settings.nextDedicatedSize;
  const identity = { databasePath: paths.database, keyPath: paths.keyFile, version };
  const calls: EngineCalls = {
    ...engineCalls,
    validateSpec: async (spec, signal) => {
      await engineCalls.validateSpec(spec, signal);
      role?.mayCreate((await plane.environmentStore.list()).length);
    },
  };
  const embedded = await createPlane({ ...identity, engineCalls: calls, now, gitIdentity, dedicatedSize });
  const plane = role?.plane(embedded, settings) ?? embedded;
  return plane;
}

/** What tells others of every change: ports of this computer, ssh's files, and those who watch. */
function tellChanges(
  parts: Omit<HostParts, "hub" | "ports" | "sshFiles" | "syncs">,
  env: NodeJS.ProcessEnv,
): Pick<HostParts, "hub" | "ports" | "sshFiles" | "syncs"> {
  const { paths, log, machines, plane, remoteSsh, startedAtMs } = parts;
  const ports: PortKeeper = new PortKeeper({ plane, machines, log, onChange: () => hub.touch() });
  const sshFiles = new SshFiles({
    paths,
    userConfig: env["BERTH_SSH_CONFIG"] ?? join(homedir(), ".ssh", "config"),
    proxy: proxyCommand(env),
    log,
    environments: async () => {
      const own = (await plane.environmentStore.list()).map(({ id, metadata }) => ({
        id,
        alias: sshAliasOf(metadata?.name ?? "", id),
        hostPublicKey: machines.of(id).environment(id)?.sshHostPublicKey ?? "",
      }));
      return [...own, ...(await remoteSsh.environments(new Set(own.map(({ alias }) => alias))))];
    },
  });
  const hub = new WatchHub(
    {
      environments: async () => plane.environmentStore.list(),
      details: (environment) => detailsOf(environment, machines.kept(environment.id), ports.forwards(environment.id)),
      machines: async () => machineMessages(parts),
      failed: (error) => log.warn("a change was not told to those who watch", { reason: messageOf(error) }),
    },
    startedAtMs,
  );
  const changed = (): void => {
    hub.touch();
    void sshFiles.write();
  };
  plane.events.subscribe(changed);
  machines.onChange(() => {
    changed();
    ports.follow();
  });
  const syncs = new Syncs({ berthHome: paths.home, machineOf: (id) => machines.of(id), now: () => Date.now(), log });
  return { hub, ports, sshFiles, syncs };
}

/** Ends the host from within a call, which is answered first. */
async function stop(
  { engine, machines, log }: HostParts,
  options: { readonly keepMachines: boolean },
  end: () => Promise<void>,
): Promise<void> {
  // An engine that goes on would start the machine again.
  engine.stop();
  try {
    const limit = AbortSignal.timeout(powerOffTimeoutMs);
    if (!options.keepMachines) {
      // One that does not go down keeps no other from it.
      const rests = await Promise.allSettled(machines.all.map(async ({ keeper }) => keeper.rest(limit, { nothingRuns: false })));
      for (const rest of rests) if (rest.status === "rejected") throw rest.reason;
    }
  } finally {
    setImmediate(() => void end().catch((error: unknown) => log.error("the host did not end in order", { reason: messageOf(error) })));
  }
}
