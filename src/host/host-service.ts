import { durationMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../contract/berth-error.ts";
import type { HostService, Machine } from "../contract/gen/berth/v1/host_pb.js";
import { EnvironmentPhase } from "../contract/gen/gitpod/v1/environment_pb.js";
import { withoutControls } from "../lib/terminals/osc-scanner.ts";
import type { AgentClient } from "../engine/machine-view.ts";
import { version } from "../lib/version.ts";
import type { Plane } from "../plane/create-plane.ts";
import { afterSleep, beforeSleep } from "./computer-sleep.ts";
import type { HostParts } from "./create-host.ts";
import { collectFacts } from "./diagnose/collect-facts.ts";
import { collectNetworkFacts } from "./diagnose/collect-network-facts.ts";
import { diagnose } from "./diagnose/diagnose.ts";
import { diagnoseNetwork } from "./diagnose/network.ts";
import type { Loopback } from "./loopback.ts";
import { machineWithUsage } from "./machine-message.ts";
import { samples } from "./samples.ts";
import { machineId } from "./settings.ts";
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

/** berth.v1.HostService: the host and its machine. */
export function hostService(parts: HostParts, controls: HostControls): Partial<ServiceImpl<typeof HostService>> {
  const { machine, images, driver, plane, paths, settings, startedAtMs } = parts;
  const view = async (): Promise<{ machine: Machine }> => ({
    machine: await machineWithUsage({ driver, machine, images, settings, environments: await plane.environmentStore.list() }),
  });
  return {
    getHost: async () => ({
      version,
      pid: process.pid,
      home: paths.home,
      startedAt: timestampFromMs(startedAtMs),
      imageSha256: machine.hello?.imageSha256 ?? "",
      samples: await samples(controls.env),
    }),
    stopHost: async (request) => {
      await controls.stop(request);
      return {};
    },
    getMachine: view,
    startMachine: async () => {
      machine.clearFailure();
      machine.start();
      return view();
    },
    stopMachine: async (_request, context) => {
      await wishAllStopped(plane);
      await machine.powerOff(context.signal);
      return view();
    },
    suspendMachine: async () => {
      await refuseWhileBusy(plane);
      // Not the caller's signal, as below.
      await machine.suspend(AbortSignal.timeout(restartTimeoutMs));
      return view();
    },
    restartMachine: async () => {
      // Not the caller's signal: a window that is closed meanwhile must not leave the machine half shut down.
      await machine.powerOff(AbortSignal.timeout(restartTimeoutMs));
      machine.clearFailure();
      machine.start();
      return view();
    },
    resetMachine: async (request, context) => {
      await reset(parts, request.confirmEnvironmentNames, context.signal);
      return {};
    },
    retryMachineImage: async () => {
      await images.retry();
      parts.hub.touch();
      return view();
    },
    getConsole: async ({ maxBytes }) => ({
      text: await driver.consoleTail(machineId, maxBytes === 0 ? defaultConsoleBytes : Math.min(maxBytes, maxConsoleBytes)),
    }),
    getBootProfile: async (_request, { signal }) => bootProfile(await machine.awake(signal), signal),
    getMachineDiskBill: async (_request, context) => machineDiskBill(parts, context.signal),
    reclaimMachineSpace: async (_request, context) => reclaimMachineSpace(parts, context.signal),
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

/** What is under way would wake the machine at once. */
async function refuseWhileBusy(plane: Plane): Promise<void> {
  const busy = (await plane.environmentStore.list()).filter(({ status }) => !restingPhases.has(status?.phase ?? EnvironmentPhase.CREATING));
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
async function wishAllStopped(plane: Plane): Promise<void> {
  for (const { id, spec } of await plane.environmentStore.list()) {
    if (spec?.desiredPhase !== EnvironmentPhase.RUNNING) continue;
    plane.updateEnvironment(id, (draft) => {
      if (draft.spec !== undefined) draft.spec.desiredPhase = EnvironmentPhase.STOPPED;
    });
  }
}

/** Removes the machine and all environments on it, when every one of them was named. */
async function reset({ machine, plane, settings, log }: HostParts, confirmed: readonly string[], signal: AbortSignal): Promise<void> {
  const environments = await plane.environmentStore.list();
  const missing = environments.map((e) => e.metadata?.name ?? "").filter((name) => !confirmed.includes(name));
  if (missing.length > 0) throw new BerthError("confirmation-missing", `these would be lost: ${missing.join(", ")}`);
  log.warn("the machine is reset", { environments: environments.length });
  // First the records: one that outlived its working copy would be made anew as if nothing had been lost.
  for (const { id } of environments) await plane.environmentStore.remove(id);
  await machine.reset(signal);
  await settings.noteReset();
}
