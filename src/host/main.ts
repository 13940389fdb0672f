import { create } from "@bufbuild/protobuf";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { chmodSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { createServer } from "node:http2";
import { connect } from "node:net";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { BerthError } from "../contract/berth-error.ts";
import { ObservedDevcontainer_State } from "../contract/gen/berth/v1/agent_pb.js";
import { HostService, MachineSchema, MachineState, WorkspaceService } from "../contract/gen/berth/v1/host_pb.js";
import { EnvironmentPhase } from "../contract/gen/gitpod/v1/environment_pb.js";
import { Engine, engineCalls } from "../engine/engine.ts";
import { MachineKeeper, type MachineView } from "../engine/machine-keeper.ts";
import { type Log, messageOf } from "../lib/log.ts";
import { berthPaths, type BerthPaths } from "../lib/paths.ts";
import { createPlane, type Plane } from "../plane/create-plane.ts";
import type { MachineDriver, MachineImage } from "../vm/driver.ts";
import { findImage, hostImageArch } from "../vm/image/find-image.ts";
import { QemuDriver } from "../vm/qemu/qemu-driver.ts";
import { SimulatedComputer, SimulatedDriver } from "../vm/simulated/simulated-driver.ts";
import { dialStream } from "./dial.ts";
import { PortForwarder, wantedForwards } from "./port-forwarder.ts";
import { ensureSshKey } from "./ssh-keys.ts";
import { workspaceService } from "./workspace-service.ts";

const version = "0.1.0";
const machineId = "default";
const defaultDataDiskBytes = 64 * 1024 ** 3;
/** How long clients may take to read their last answer. */
const drainGraceMs = 2000;
const maxDefaultMemoryBytes = 8 * 1024 ** 3;
const imagesFolder = process.env["BERTH_IMAGES"] ?? join(import.meta.dirname, "../../.cache/images");

/** The exit code when another host serves this folder already. */
const hostRunningExitCode = 5;

async function main(): Promise<void> {
  const paths = berthPaths(process.env);
  for (const folder of [paths.home, paths.run, paths.logs]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
  }
  if (await answers(paths.apiSocket)) throw new BerthError("host-running", `a host serves ${paths.home} already`);
  const log = pinoLog(pino({ level: "info" }, pino.destination({ dest: paths.hostLog, append: true, sync: true })));
  const driver = chooseDriver(paths, log);
  mkdirSync(paths.machines, { recursive: true, mode: 0o700 });
  const machine = new MachineKeeper({
    driver,
    id: machineId,
    log,
    now: () => Date.now(),
    spec: async () => ({
      id: machineId,
      image: driver.name === "simulated" ? simulatedImage : await findImage(imagesFolder, hostImageArch()),
      cpus: Math.max(2, cpus().length),
      memoryBytes: Math.min(maxDefaultMemoryBytes, Math.floor(totalmem() / 2)),
      dataDiskLimitBytes: defaultDataDiskBytes,
    }),
  });
  const plane = await createPlane({ databasePath: paths.database, keyPath: paths.keyFile, engineCalls, now: () => Date.now(), version });
  const engine = new Engine({
    store: plane.environmentStore,
    machine,
    log,
    authorizedKeys: async (id) => [(await ensureSshKey(paths.sshFolder, id)).publicKey],
  });
  const forwarders = new Map<string, PortForwarder>();
  machine.onChange(
    () =>
      void followPorts(plane, machine, forwarders).catch((error: unknown) =>
        log.warn("ports were not followed", { reason: messageOf(error) }),
      ),
  );
  const stop = await serve({ paths, plane, machine, driver, forwarders, log });
  await engine.start();
  const end = (): void => {
    engine.stop();
    machine.close();
    void stop().then(() => {
      plane.close();
      log.info("the host ended");
      process.exit(0);
    });
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  log.info("the host is ready", { home: paths.home, version });
}

/** Without a hypervisor or an image: for tests, and for work on what is above the driver. */
const simulatedImage: MachineImage = { sha256: "simulated", arch: "amd64", kernelPath: "", initrdPath: "", rootPath: "" };

function chooseDriver(paths: BerthPaths, log: Log): MachineDriver {
  if (process.env["BERTH_DRIVER"] === "simulated")
    return new SimulatedDriver({ machinesFolder: paths.machines, computer: new SimulatedComputer() });
  return new QemuDriver({ machinesFolder: paths.machines, runFolder: join(paths.run, "m"), arch: hostImageArch(), log, env: process.env });
}

/** Machines run on; only the host's side of each port follows them. */
async function followPorts(plane: Plane, machine: MachineKeeper, forwarders: Map<string, PortForwarder>): Promise<void> {
  for (const { id } of await plane.environmentStore.list()) {
    const observed = machine.environment(id);
    const running = observed?.devcontainer?.state === ObservedDevcontainer_State.RUNNING;
    const forwarder =
      forwarders.get(id) ??
      new PortForwarder(async (host, port) =>
        dialStream(machine.agent(), { case: "port", value: { $typeName: "berth.v1.ContainerPort", environmentId: id, host, port } }),
      );
    forwarders.set(id, forwarder);
    await forwarder.update(running ? wantedForwards(observed.ports, observed.devcontainer?.forwardPorts ?? []) : []);
  }
}

interface Serving {
  readonly paths: BerthPaths;
  readonly plane: Plane;
  readonly machine: MachineKeeper;
  readonly driver: MachineDriver;
  readonly forwarders: ReadonlyMap<string, PortForwarder>;
  readonly log: Log;
}

const machineStates: Readonly<Record<MachineView, MachineState>> = {
  off: MachineState.OFF,
  busy: MachineState.BOOTING,
  paused: MachineState.PAUSED,
  ready: MachineState.READY,
  failed: MachineState.FAILED,
};

/** Serves the API on the socket; whoever may enter its 0700 folder is the same person. */
async function serve({ paths, plane, machine, driver, forwarders, log }: Serving): Promise<() => Promise<void>> {
  const machineView = async () => {
    const probe = await driver.probe(AbortSignal.timeout(30_000));
    const usage = await driver.usage(machineId);
    return create(MachineSchema, {
      id: machineId,
      state: machineStates[machine.view],
      driver: driver.name,
      accelerator: probe.accelerator,
      acceleratorWarning: probe.reason,
      dataDiskLimitBytes: BigInt(defaultDataDiskBytes),
      dataDiskAllocatedBytes: BigInt(usage.dataDiskAllocatedBytes),
      hostMemoryBytes: BigInt(usage.residentMemoryBytes),
      bootId: machine.hello?.bootId ?? "",
      failureMessage: machine.failure ?? "",
      imageSha256: machine.hello?.imageSha256 ?? "",
    });
  };
  const adapter = connectNodeAdapter({
    interceptors: plane.interceptors,
    routes: (router) => {
      plane.routes(router);
      router.service(WorkspaceService, workspaceService({ plane, machine, forwarders, sshFolder: paths.sshFolder }));
      router.service(HostService, {
        getHost: () => ({ version, pid: process.pid, home: paths.home, imageSha256: machine.hello?.imageSha256 ?? "" }),
        stopHost: async (request, context) => {
          if (!request.keepMachines) await machine.powerOff(context.signal);
          setImmediate(() => process.kill(process.pid, "SIGTERM"));
          return {};
        },
        getMachine: async () => ({ machine: await machineView() }),
        startMachine: async () => {
          machine.start();
          return { machine: await machineView() };
        },
        stopMachine: async (_request, context) => {
          // What should still run would start the machine again.
          for (const { id, spec } of await plane.environmentStore.list()) {
            if (spec?.desiredPhase === EnvironmentPhase.RUNNING)
              plane.updateEnvironment(
                id,
                (draft) => void (draft.spec !== undefined && (draft.spec.desiredPhase = EnvironmentPhase.STOPPED)),
              );
          }
          await machine.powerOff(context.signal);
          return { machine: await machineView() };
        },
        getConsole: async (request) => ({
          text: await driver.consoleTail(machineId, request.maxBytes === 0 ? 64 * 1024 : request.maxBytes),
        }),
      });
    },
  });
  const server = createServer(adapter);
  server.on("sessionError", (error) => log.info("a client's connection ended", { reason: messageOf(error) }));
  if (existsSync(paths.apiSocket)) rmSync(paths.apiSocket);
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(paths.apiSocket, resolve));
  chmodSync(paths.apiSocket, 0o600);
  return async () => {
    rmSync(paths.apiSocket, { force: true });
    // Answers that are on their way still arrive; a client that stays is left after the grace.
    const left = AbortSignal.timeout(drainGraceMs);
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      left.addEventListener("abort", () => resolve());
    });
  };
}

async function answers(socketPath: string): Promise<boolean> {
  const socket = connect(socketPath);
  const alive = await new Promise<boolean>((resolve) => socket.once("connect", () => resolve(true)).once("error", () => resolve(false)));
  socket.destroy();
  return alive;
}

function pinoLog(logger: pino.Logger): Log {
  return {
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
    child: (fields) => pinoLog(logger.child(fields)),
  };
}

main().catch((error: unknown) => {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exit(error instanceof BerthError && error.code === "host-running" ? hostRunningExitCode : 1);
});
