import { create } from "@bufbuild/protobuf";
import { BerthError } from "../contract/berth-error.ts";
import { type WatchLogRequest, type WatchLogResponse, WatchLogResponseSchema } from "../contract/gen/berth/v1/host_pb.js";
import { EnvironmentPhase } from "../contract/gen/gitpod/v1/environment_pb.js";
import { type ChangeSignal, changeSignal } from "../lib/change-signal.ts";
import type { HostParts } from "./create-host.ts";
import { shownJobs } from "./details.ts";

type LogSource = Pick<HostParts, "plane" | "machines">;

/**
 * WorkspaceService.WatchLog: the logs of cloning and of the dev container, one after the other. With `follow` it
 * goes on until nothing is under way any more. Fails with `machine-unreachable`: the logs are on the machine's disk.
 */
export async function* watchLog(source: LogSource, request: WatchLogRequest, signal: AbortSignal): AsyncGenerator<WatchLogResponse> {
  const machine = source.machines.of(request.environmentId);
  if (!request.follow && machine.view === "asleep") await machine.awake(signal);
  if (!request.follow && machine.view !== "ready")
    throw new BerthError("machine-unreachable", "the log is on its disk, and it does not run");
  // Who follows a log looks on: that keeps no machine awake.
  const release = request.follow ? undefined : machine.uses.hold();
  const changes = changeSignal((listener) => subscribe(source, listener), signal);
  try {
    yield* watchJobs(source, request, changes, signal);
  } finally {
    changes.close();
    release?.();
  }
}

async function* watchJobs(
  source: LogSource,
  { environmentId, follow, offset }: WatchLogRequest,
  changes: ChangeSignal,
  signal: AbortSignal,
) {
  const told = new Set<string>();
  let at = 0n;
  for (;;) {
    const job = shownJobs(source.machines.of(environmentId).environment(environmentId)).find((j) => !told.has(j.jobId));
    if (job === undefined) {
      if (!follow || signal.aborted || !(await isUnderWay(source, environmentId))) return;
      await changes.next();
      continue;
    }
    told.add(job.jobId);
    const agent = source.machines.of(environmentId).agent();
    for await (const { message } of agent.watchJob({ jobId: job.jobId, environmentId, offset: 0n, follow }, { signal })) {
      if (message.case !== "log") continue;
      const { data } = message.value;
      const skip = offset > at ? Number(offset - at) : 0;
      at += BigInt(data.length);
      if (skip < data.length) yield create(WatchLogResponseSchema, { offset: at - BigInt(data.length - skip), data: data.subarray(skip) });
    }
  }
}

function subscribe({ plane, machines }: LogSource, listener: () => void): () => void {
  const ends = [machines.onChange(listener), plane.events.subscribe(listener)];
  return () => {
    for (const end of ends) end();
  };
}

async function isUnderWay({ plane }: LogSource, environmentId: string): Promise<boolean> {
  const phase = (await plane.environmentStore.get(environmentId))?.status?.phase;
  return phase !== undefined && [EnvironmentPhase.CREATING, EnvironmentPhase.STARTING, EnvironmentPhase.UPDATING].includes(phase);
}
