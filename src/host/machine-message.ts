import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type Machine,
  type MachineImageStatus,
  MachineImageStatusSchema,
  MachineSchema,
  MachineState,
} from "../contract/gen/berth/v1/host_pb.js";
import type { Environment } from "../contract/gen/gitpod/v1/environment_pb.js";
import type { MachineKeeper } from "../engine/machine-keeper.ts";
import type { MachineView } from "../engine/machine-view.ts";
import { withoutControls } from "../lib/terminals/osc-scanner.ts";
import type { MachineDriver, MachineStatus } from "../vm/driver.ts";
import type { ImageView, MachineImages } from "../vm/image/machine-images.ts";
import { machineId } from "./settings.ts";
import type { HostSettings } from "./settings/host-settings.ts";

/** Timing an accelerator for the first time takes a few seconds. */
const probeTimeoutMs = 30_000;
/** A guest that is too busy to tell its figures is told about without them. */
const usageTimeoutMs = 2000;

const machineStates: Readonly<Record<MachineView, MachineState>> = {
  off: MachineState.OFF,
  busy: MachineState.BOOTING,
  paused: MachineState.PAUSED,
  ready: MachineState.READY,
  asleep: MachineState.SUSPENDED,
  failed: MachineState.FAILED,
};

export interface MachineSource {
  readonly driver: MachineDriver;
  readonly machine: MachineKeeper;
  readonly images: MachineImages;
  readonly settings: Pick<HostSettings, "startedSize" | "nextSize">;
  readonly environments: readonly Environment[];
}

function stateOf(machine: MachineKeeper, status: MachineStatus): MachineState {
  if (machine.waking) return MachineState.BOOTING;
  return machine.view === "off" && status.state === "absent" ? MachineState.ABSENT : machineStates[machine.view];
}

/** The machine as clients see it, without figures that change all the time. */
export async function machineMessage({ driver, machine, images, settings, environments }: MachineSource): Promise<Machine> {
  const probe = await driver.probe(AbortSignal.timeout(probeTimeoutMs));
  const status = await driver.inspect(machineId);
  const runs = status.state === "running" || status.state === "paused";
  // A suspended machine is continued as it was.
  const keepsSize = runs || machine.view === "asleep";
  const size = keepsSize ? (settings.startedSize ?? settings.nextSize) : settings.nextSize;
  return create(MachineSchema, {
    id: machineId,
    state: stateOf(machine, status),
    driver: driver.name,
    accelerator: probe.accelerator,
    acceleratorWarning: probe.reason,
    acceleratorFix: probe.reason === "" ? "" : probe.fix,
    cpus: size.cpus,
    memoryBytes: BigInt(size.memoryBytes),
    dataDiskLimitBytes: BigInt(size.dataDiskLimitBytes),
    imageSha256: machine.hello?.imageSha256 ?? "",
    bootId: machine.hello?.bootId ?? "",
    failureMessage: machine.failure ?? "",
    warnings: machine.warnings.map((warning) => withoutControls(warning)),
    environmentNames: environments.map((e) => e.metadata?.name ?? ""),
    image: imageMessage(await images.view()),
    ...(runs ? { startedAt: timestampFromMs(status.startedAtMs) } : {}),
  });
}

/** The same with what it uses now. */
export async function machineWithUsage(source: MachineSource): Promise<Machine> {
  const message = await machineMessage(source);
  message.image = imageMessage(await source.images.look());
  const usage = await source.driver.usage(machineId).catch(() => undefined);
  if (usage !== undefined) {
    message.dataDiskAllocatedBytes = BigInt(usage.dataDiskAllocatedBytes);
    message.hostMemoryBytes = BigInt(usage.residentMemoryBytes);
  }
  if (source.machine.view === "ready") {
    const inside = await source.machine
      .agent()
      .getUsage({}, { timeoutMs: usageTimeoutMs })
      .catch(() => undefined);
    if (inside !== undefined) message.dataDiskFreeBytes = inside.dataDiskFreeBytes;
  }
  return message;
}

function imageMessage({ active, previous, candidate, triesLeft, offered, sizeBytes, warning, fix }: ImageView): MachineImageStatus {
  return create(MachineImageStatusSchema, {
    activeSha256: active,
    previousSha256: previous,
    candidateSha256: candidate,
    candidateTriesLeft: triesLeft,
    offeredSha256: offered,
    activeSizeBytes: BigInt(sizeBytes),
    warning,
    fix,
  });
}
