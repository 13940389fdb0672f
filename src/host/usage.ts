import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type GetEnvironmentUsageRequest,
  type GetEnvironmentUsageResponse,
  GetEnvironmentUsageResponseSchema,
} from "../contract/gen/berth/v1/host_pb.js";
import type { GetUsageResponse } from "../contract/gen/berth/v1/agent_pb.js";
import type { KeptMachine } from "../engine/machines.ts";
import type { HostParts } from "./create-host.ts";

/** Going through a full disk takes minutes. */
const diskTimeoutMs = 15 * 60_000;
const usageTimeoutMs = 5000;

/** WorkspaceService.GetEnvironmentUsage: nothing is used while a machine does not run. */
export async function environmentUsage(
  { machines, plane, sizesOf }: Pick<HostParts, "machines" | "plane" | "sizesOf">,
  request: GetEnvironmentUsageRequest,
): Promise<GetEnvironmentUsageResponse> {
  const sampledAt = timestampFromMs(Date.now());
  const all = (await plane.environmentStore.list()).map((e) => e.id);
  const asked = all.filter((id) => request.environmentIds.length === 0 || request.environmentIds.includes(id));
  const concerned = [...new Set(asked.map((id) => machines.kept(id)))];
  const [told = machines.shared] = concerned.length === 1 ? concerned : [];
  const usages = await Promise.all([...new Set([...concerned, told])].map(async (machine) => ({ machine, usage: await usageOf(machine) })));
  const ofTold = usages.find(({ machine }) => machine === told)?.usage;
  return create(GetEnvironmentUsageResponseSchema, {
    // Of what is another machine's a machine has nothing to say.
    environments: usages.flatMap(({ machine, usage }) =>
      (usage?.environments ?? []).filter(({ environmentId: id }) => asked.includes(id) && machines.kept(id) === machine),
    ),
    sampledAt,
    ...(ofTold === undefined
      ? {}
      : {
          machineMemoryTotalBytes: ofTold.memoryTotalBytes,
          machineMemoryAvailableBytes: ofTold.memoryAvailableBytes,
          machineDiskTotalBytes: ofTold.dataDiskTotalBytes,
          machineDiskFreeBytes: ofTold.dataDiskFreeBytes,
          machineCpus: (sizesOf(told).startedSize ?? sizesOf(told).nextSize).cpus,
        }),
  });
}

async function usageOf({ keeper }: KeptMachine): Promise<GetUsageResponse | undefined> {
  return keeper.view === "ready" ? keeper.agent().getUsage({}, { timeoutMs: usageTimeoutMs }) : undefined;
}

/** HostService.GetMachineDiskBill. Fails with `machine-unreachable` while the machine does not run. */
export async function machineDiskBill(
  { machines, driver, plane }: Pick<HostParts, "machines" | "driver" | "plane">,
  { id, keeper }: KeptMachine,
  signal: AbortSignal,
) {
  const agent = await keeper.awake(signal);
  const release = keeper.uses.hold();
  try {
    const { bill } = await agent.getDiskBill({}, { signal, timeoutMs: diskTimeoutMs });
    const held = (await plane.environmentStore.list()).filter((e) => machines.kept(e.id).id === id);
    const known = new Set(held.map((e) => e.id));
    if (bill !== undefined) bill.environments = bill.environments.filter(({ environmentId }) => known.has(environmentId));
    return { ...(bill === undefined ? {} : { bill }), allocatedBytes: BigInt(await allocatedBytes(driver, id)) };
  } finally {
    release();
  }
}

/** HostService.ReclaimMachineSpace. Fails with `machine-unreachable` while the machine does not run. */
export async function reclaimMachineSpace(
  { driver, log }: Pick<HostParts, "driver" | "log">,
  { id, keeper }: KeptMachine,
  signal: AbortSignal,
) {
  const before = await allocatedBytes(driver, id);
  const agent = await keeper.awake(signal);
  const release = keeper.uses.hold();
  try {
    const { reclaimedBytes } = await agent.reclaimSpace({}, { signal, timeoutMs: diskTimeoutMs });
    const returnedBytes = Math.max(0, before - (await allocatedBytes(driver, id)));
    log.info("space was reclaimed", { machineId: id, reclaimedBytes: Number(reclaimedBytes), returnedBytes });
    return { reclaimedBytes, returnedBytes: BigInt(returnedBytes) };
  } finally {
    release();
  }
}

async function allocatedBytes(driver: HostParts["driver"], machineId: string): Promise<number> {
  return (await driver.usage(machineId)).dataDiskAllocatedBytes;
}
