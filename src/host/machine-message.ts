import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type Machine,
  type MachineImageStatus,
  MachineImageStatusSchema,
  MachineSchema,
  MachineState,
} from "../contract/gen/berth/v1/host_pb.js";
import type { MachineKeeper } from "../engine/machine-keeper.ts";
import type { KeptMachine } from "../engine/machines.ts";
import type { MachineView } from "../engine/machine-view.ts";
import { withoutControls } from "../lib/terminals/osc-scanner.ts";
import type { MachineStatus } from "../vm/driver.ts";
import type { ImageView } from "../vm/image/machine-images.ts";
import type { HostParts } from "./create-host.ts";

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

export type MachineSource = Pick<HostParts, "driver" | "machines" | "imagesOf" | "sizesOf" | "plane">;

function stateOf(machine: MachineKeeper, status: MachineStatus): MachineState {
  if (machine.waking) return MachineState.BOOTING;
  return machine.view === "off" && status.state === "absent" ? MachineState.ABSENT : machineStates[machine.view];
}

/** All machines as clients see them, the shared one first, without figures that change all the time. */
export async function machineMessages(source: MachineSource): Promise<Machine[]> {
  return Promise.all(source.machines.all.map(async (machine) => machineMessage(source, machine)));
}

/** A machine as clients see it, without figures that change all the time. */
async function machineMessage(source: MachineSource, machine: KeptMachine): Promise<Machine> {
  const { id, environmentId, keeper } = machine;
  const { driver, machines, plane } = source;
  const probe = await driver.probe(AbortSignal.timeout(probeTimeoutMs));
  const status = await driver.inspect(id);
  const runs = status.state === "running" || status.state === "paused";
  const { startedSize, nextSize } = source.sizesOf(machine);
  // A suspended machine is continued as it was.
  const size = runs || keeper.view === "asleep" ? (startedSize ?? nextSize) : nextSize;
  const held = (await plane.environmentStore.list()).filter((e) => machines.kept(e.id).id === id);
  return create(MachineSchema, {
    id,
    environmentId: environmentId ?? "",
    state: stateOf(keeper, status),
    driver: driver.name,
    accelerator: probe.accelerator,
    acceleratorWarning: probe.reason,
    acceleratorFix: probe.reason === "" ? "" : probe.fix,
    cpus: size.cpus,
    memoryBytes: BigInt(size.memoryBytes),
    dataDiskLimitBytes: BigInt(size.dataDiskLimitBytes),
    imageSha256: keeper.hello?.imageSha256 ?? "",
    bootId: keeper.hello?.bootId ?? "",
    failureMessage: keeper.failure ?? "",
    warnings: keeper.warnings.map((warning) => withoutControls(warning)),
    environmentNames: held.map((e) => e.metadata?.name ?? ""),
    image: imageMessage(await source.imagesOf(machine).view()),
    ...(runs ? { startedAt: timestampFromMs(status.startedAtMs) } : {}),
  });
}

/** The same with what it uses now. */
export async function machineWithUsage(source: MachineSource, machine: KeptMachine): Promise<Machine> {
  const message = await machineMessage(source, machine);
  message.image = imageMessage(await source.imagesOf(machine).look());
  const usage = await source.driver.usage(machine.id).catch(() => undefined);
  if (usage !== undefined) {
    message.dataDiskAllocatedBytes = BigInt(usage.dataDiskAllocatedBytes);
    message.hostMemoryBytes = BigInt(usage.residentMemoryBytes);
  }
  if (machine.keeper.view === "ready") {
    const inside = await machine.keeper
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
