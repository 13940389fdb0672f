import { durationMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../contract/berth-error.ts";
import type { HostService, Machine } from "../contract/gen/berth/v1/host_pb.js";
import { type Environment, EnvironmentPhase } from "../contract/gen/gitpod/v1/environment_pb.js";
import { withoutControls } from "../lib/terminals/osc-scanner.ts";
import type { KeptMachine } from "../engine/machines.ts";
import type { AgentClient } from "../engine/machine-view.ts";
import { version } from "../lib/version.ts";
import type { Plane } from "../plane/create-plane.ts";
import { afterSleep, beforeSleep } from "./computer-sleep.ts";
import type { HostParts } from "./create-host.ts";
import { collectFacts } from "./diagnose/collect-facts.ts";
import { collectNetworkFacts } from "./diagnose/collect-network-facts.ts";
import { diagnose } from "./diagnose/diagnose.ts";
import { diagnoseNetwork } from "./diagnose/network.ts";
import { findMachine } from "./find-machine.ts";
import type { Loopback } from "./loopback.ts";
import { machineWithUsage } from "./machine-message.ts";
import { samples } from "./samples.ts";
import { machineDiskBill, reclaimMachineSpace } from "./usage.ts";

const defaultConsoleBytes = 64 * 1024;
const maxConsoleBytes = 1024 * 1024;
const restartTimeoutMs = 120_000;
/** More than any real machine tells, which is not trusted. */
const maxBootPhases = 50;
const restingPhases: ReadonlySet<EnvironmentPhase> = new Set([EnvironmentPhase.RUNNING, EnvironmentPhase.STOPPED]);

export interface HostControls {
  readonly env: NodeJS.ProcessEnv;
  readonly openLoopback: () => Promise<Loopback>;
  readonly uiLink: () => Promise<string>;
  readonly stop: (options: { readonly keepMachines: boolean }) => Promise<void>;
}

/** berth.v1.HostService: the host and its machines. */
export function hostService(parts: HostParts, controls: HostControls): Partial<ServiceImpl<typeof HostService>> {
  const { machines, driver, paths, startedAtMs } = parts;
  return {
    getHost: async () => ({
      version,
      pid: process.pid,
      home: paths.home,
      startedAt: timestampFromMs(startedAtMs),
      imageSha256: machines.shared.keeper.hello?.imageSha256 ?? "",
      samples: await samples(controls.env),
    }),
    stopHost: async (request) => {
      await controls.stop(request);
      return {};
    },
    ...machineMethods(parts),
    getConsole: async ({ machineId, maxBytes }) => ({
      text: await driver.consoleTail(
        findMachine(machines, machineId).id,
        maxBytes === 0 ? defaultConsoleBytes : Math.min(maxBytes, maxConsoleBytes),
      ),
    }),
    getBootProfile: async ({ machineId }, { signal }) => bootProfile(await findMachine(machines, machineId).keeper.awake(signal), signal),
    getMachineDiskBill: async ({ machineId }, context) => machineDiskBill(parts, findMachine(machines, machineId), context.signal),
    reclaimMachineSpace: async ({ machineId }, context) => reclaimMachineSpace(parts, findMachine(machines, machineId), context.signal),
    diagnose: async (_request, context) => ({ diagnoses: diagnose(await collectFacts(parts, controls.env, context.signal)) }),
    diagnoseNetwork: async (request, context) => ({
      diagnoses: diagnoseNetwork(await collectNetworkFacts(parts, controls.env, request, context.signal)),
    }),
    notifySleeping: async () => beforeSleep(parts).then(() => ({})),
    notifyResumed: async () => afterSleep(parts).then(() => ({})),
    openLoopback: async () => controls.openLoopback(),
    openUi: async () => ({ url: await controls.uiLink() }),
  };
}

/** What is asked of one machine. */
function machineMethods(parts: HostParts): Partial<ServiceImpl<typeof HostService>> {
  const { machines, plane, engine } = parts;
  const view = async (machine: KeptMachine): Promise<{ machine: Machine }> => ({ machine: await machineWithUsage(parts, machine) });
  const start = (machine: KeptMachine): void => {
    engine.startedByHand(machine);
    machine.keeper.clearFailure();
    machine.keeper.start();
  };
  const onMachine = async ({ id }: KeptMachine): Promise<Environment[]> =>
    (await plane.environmentStore.list()).filter((environment) => machines.kept(environment.id).id === id);
  return {
    listMachines: async () => ({ machines: await Promise.all(machines.all.map(async (machine) => machineWithUsage(parts, machine))) }),
    getMachine: async ({ machineId }) => view(findMachine(machines, machineId)),
    startMachine: async ({ machineId }) => {
      const machine = findMachine(machines, machineId);
      start(machine);
      return view(machine);
    },
    stopMachine: async ({ machineId }, context) => {
      const machine = findMachine(machines, machineId);
      await wishStopped(plane, await onMachine(machine));
      await machine.keeper.powerOff(context.signal);
      return view(machine);
    },
    suspendMachine: async ({ machineId }) => {
      const machine = findMachine(machines, machineId);
      refuseWhileBusy(await onMachine(machine));
      // Not the caller's signal, as below.
      await machine.keeper.suspend(AbortSignal.timeout(restartTimeoutMs));
      return view(machine);
    },
    restartMachine: async ({ machineId }) => {
      const machine = findMachine(machines, machineId);
      // Not the caller's signal: a window that is closed meanwhile must not leave the machine half shut down.
      await machine.keeper.powerOff(AbortSignal.timeout(restartTimeoutMs));
      start(machine);
      return view(machine);
    },
    resetMachine: async ({ machineId, confirmEnvironmentNames }, context) => {
      const machine = findMachine(machines, machineId);
      await reset(parts, machine, { environments: await onMachine(machine), confirmed: confirmEnvironmentNames }, context.signal);
      return {};
    },
    retryMachineImage: async ({ machineId }) => {
      const machine = findMachine(machines, machineId);
      await parts.imagesOf(machine).retry();
      parts.hub.touch();
      return view(machine);
    },
  };
}

/** What is under way would wake the machine at once. */
function refuseWhileBusy(environments: readonly Environment[]): void {
  const busy = environments.filter(({ status }) => !restingPhases.has(status?.phase ?? EnvironmentPhase.CREATING));
  if (busy.length === 0) return;
  const names = busy.map(({ metadata }) => metadata?.name ?? "").join(", ");
  throw new BerthError("environment-busy", `something is under way for ${names}; wait for it, or stop it first`);
}

/** In the machine's own words, which are not trusted. */
async function bootProfile(agent: AgentClient, signal: AbortSignal) {
  const { phases } = await agent.getBootProfile({}, { signal });
  return {
    phases: phases.slice(0, maxBootPhases).map(({ name, endedAt }) => ({
      name: withoutControls(name),
      endedAtMs: endedAt === undefined ? 0 : Math.max(0, Math.round(durationMs(endedAt))),
    })),
  };
}

/** What should still run would start the machine again. */
async function wishStopped(plane: Plane, environments: readonly Environment[]): Promise<void> {
  for (const { id, spec } of environments) {
    if (spec?.desiredPhase !== EnvironmentPhase.RUNNING) continue;
    await plane.updateEnvironment(id, (draft) => {
      if (draft.spec !== undefined) draft.spec.desiredPhase = EnvironmentPhase.STOPPED;
    });
  }
}

/** Removes the machine and all environments on it, when every one of them was named. */
async function reset(
  { machines, plane, sizesOf, log }: HostParts,
  machine: KeptMachine,
  { environments, confirmed }: { readonly environments: readonly Environment[]; readonly confirmed: readonly string[] },
  signal: AbortSignal,
): Promise<void> {
  const missing = environments.map((e) => e.metadata?.name ?? "").filter((name) => !confirmed.includes(name));
  if (missing.length > 0) throw new BerthError("confirmation-missing", `these would be lost: ${missing.join(", ")}`);
  log.warn("the machine is reset", { machineId: machine.id, environments: environments.length });
  const { environmentId } = machine;
  if (environmentId !== undefined) return machines.remove(environmentId, signal, async () => plane.environmentStore.remove(environmentId));
  // First the records: one that outlived its working copy would be made anew as if nothing had been lost.
  for (const { id } of environments) await plane.environmentStore.remove(id);
  await machine.keeper.reset(signal);
  await sizesOf(machine).noteReset();
}
