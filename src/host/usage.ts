import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type GetEnvironmentUsageRequest,
  type GetEnvironmentUsageResponse,
  GetEnvironmentUsageResponseSchema,
} from "../contract/gen/berth/v1/host_pb.js";
import type { HostParts } from "./create-host.ts";
import { machineId } from "./settings.ts";

/** Going through a full disk takes minutes. */
const diskTimeoutMs = 15 * 60_000;
const usageTimeoutMs = 5000;

/** WorkspaceService.GetEnvironmentUsage: nothing is used while the machine does not run. */
export async function environmentUsage(
  { machine, plane, settings }: Pick<HostParts, "machine" | "plane" | "settings">,
  request: GetEnvironmentUsageRequest,
): Promise<GetEnvironmentUsageResponse> {
  const sampledAt = timestampFromMs(Date.now());
  if (machine.view !== "ready") return create(GetEnvironmentUsageResponseSchema, { sampledAt });
  const usage = await machine.agent().getUsage({}, { timeoutMs: usageTimeoutMs });
  const known = new Set((await plane.environmentStore.list()).map((e) => e.id));
  const asked = request.environmentIds.length === 0 ? known : new Set(request.environmentIds);
  return create(GetEnvironmentUsageResponseSchema, {
    environments: usage.environments.filter(({ environmentId: id }) => known.has(id) && asked.has(id)),
    sampledAt,
    machineMemoryTotalBytes: usage.memoryTotalBytes,
    machineMemoryAvailableBytes: usage.memoryAvailableBytes,
    machineDiskTotalBytes: usage.dataDiskTotalBytes,
    machineDiskFreeBytes: usage.dataDiskFreeBytes,
    machineCpus: (settings.startedSize ?? settings.nextSize).cpus,
  });
}

/** HostService.GetMachineDiskBill. Fails with `machine-unreachable` while the machine does not run. */
export async function machineDiskBill({ machine, driver, plane }: Pick<HostParts, "machine" | "driver" | "plane">, signal: AbortSignal) {
  const { bill } = await (await machine.awake(signal)).getDiskBill({}, { signal, timeoutMs: diskTimeoutMs });
  const known = new Set((await plane.environmentStore.list()).map((e) => e.id));
  if (bill !== undefined) bill.environments = bill.environments.filter(({ environmentId }) => known.has(environmentId));
  return { ...(bill === undefined ? {} : { bill }), allocatedBytes: BigInt(await allocatedBytes(driver)) };
}

/** HostService.ReclaimMachineSpace. Fails with `machine-unreachable` while the machine does not run. */
export async function reclaimMachineSpace({ machine, driver, log }: Pick<HostParts, "machine" | "driver" | "log">, signal: AbortSignal) {
  const before = await allocatedBytes(driver);
  const { reclaimedBytes } = await (await machine.awake(signal)).reclaimSpace({}, { signal, timeoutMs: diskTimeoutMs });
  const returnedBytes = Math.max(0, before - (await allocatedBytes(driver)));
  log.info("space was reclaimed", { reclaimedBytes: Number(reclaimedBytes), returnedBytes });
  return { reclaimedBytes, returnedBytes: BigInt(returnedBytes) };
}

async function allocatedBytes(driver: HostParts["driver"]): Promise<number> {
  return (await driver.usage(machineId)).dataDiskAllocatedBytes;
}
