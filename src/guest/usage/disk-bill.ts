import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { readFileSync } from "node:fs";
import { type DiskBill, DiskBillSchema } from "../../contract/gen/berth/v1/usage_pb.js";
import { environmentContainers } from "../devcontainer/stop.ts";
import type { DockerApi, DockerStore } from "../docker-api.ts";
import type { EnvironmentStates } from "../environment-state.ts";
import { mountOf } from "../mounts.ts";
import { runProcess } from "../run-process.ts";
import { folderSizeBytes } from "./folder-size.ts";
import { readUsage } from "./machine-usage.ts";

const trimTimeoutMs = 5 * 60_000;

interface BillDependencies {
  readonly docker: DockerApi;
  readonly states: EnvironmentStates;
  readonly now: () => number;
}

/** Who takes how much of the data disk. Reads all of dockerd's store and every working copy. */
export async function readDiskBill(dataFolder: string, { docker, states, now }: BillDependencies): Promise<DiskBill> {
  const store = await docker.store();
  const owners: Owner[] = [];
  for (const environmentId of states.ids()) {
    const containers = await environmentContainers(environmentId, docker);
    const workingCopyBytes = (await folderSizeBytes(states.workingCopy(environmentId))) ?? 0;
    owners.push({ environmentId, containerIds: containers.map((c) => c.Id), workingCopyBytes });
  }
  const usage = readUsage(dataFolder);
  return create(DiskBillSchema, {
    ...divide(store, owners),
    totalBytes: BigInt(usage.dataDiskTotalBytes),
    freeBytes: BigInt(usage.dataDiskFreeBytes),
    measuredAt: timestampFromMs(now()),
  });
}

/** Removes what can be made again and gives free blocks back to the host; the bytes by which dockerd's store shrank. */
export async function reclaimSpace(dataFolder: string, docker: DockerApi): Promise<number> {
  const freedBytes = await docker.prune();
  await runProcess(["fstrim", "--", dataFolder], { signal: AbortSignal.timeout(trimTimeoutMs) });
  return freedBytes;
}

/** Makes the file system as large as its disk has become; it stays mounted. */
export async function growDisk(dataFolder: string): Promise<void> {
  const device = mountOf(readFileSync("/proc/mounts", "utf8"), dataFolder)?.device;
  if (device === undefined) throw new Error(`nothing is mounted on ${dataFolder}`);
  const { code, stderr } = await runProcess(["resize2fs", "--", device], { signal: AbortSignal.timeout(trimTimeoutMs) });
  if (code !== 0) throw new Error(`the file system was not grown: ${stderr.toString().trim()}`);
}

/** Writes to the disk what is held back, and gives free blocks back to the host. */
export async function settleDisk(dataFolder: string): Promise<void> {
  await runProcess(["sync"], { signal: AbortSignal.timeout(trimTimeoutMs) });
  await runProcess(["fstrim", "--", dataFolder], { signal: AbortSignal.timeout(trimTimeoutMs) });
}

export interface Owner {
  readonly environmentId: string;
  readonly containerIds: readonly string[];
  readonly workingCopyBytes: number;
}

/** Divides dockerd's store among environments: each image and volume to the one that alone uses it. */
export function divide(store: DockerStore, owners: readonly Owner[]) {
  const containers = new Map(store.Containers.map((c) => [c.Id, c]));
  const used = owners.map(({ containerIds }) => containerIds.map((id) => containers.get(id)).filter((c) => c !== undefined));
  const users = (has: (c: DockerStore["Containers"][number]) => boolean) => used.filter((own) => own.some(has)).length;
  const anyContainer = (has: (c: DockerStore["Containers"][number]) => boolean) => store.Containers.some(has);
  const ownBytes = (image: DockerStore["Images"][number]): number => Math.max(0, image.Size - image.SharedSize);
  const environments = owners.map(({ environmentId, workingCopyBytes }, i) => {
    const own = used[i] ?? [];
    const images = store.Images.filter((image) => own.some((c) => c.ImageID === image.Id) && users((c) => c.ImageID === image.Id) === 1);
    const volumes = store.Volumes.filter((volume) => own.some((c) => mounts(c, volume.Name)) && users((c) => mounts(c, volume.Name)) === 1);
    return {
      environmentId,
      workingCopyBytes: BigInt(workingCopyBytes),
      containerBytes: total(own.map((c) => c.SizeRw)),
      imagesBytes: total(images.map(ownBytes)),
      volumesBytes: total(volumes.map((v) => v.UsageData?.Size ?? 0)),
    };
  });
  const unused = total(store.Images.filter((image) => !anyContainer((c) => c.ImageID === image.Id)).map(ownBytes));
  const billed = environments.reduce((sum, e) => sum + e.imagesBytes, unused);
  const volumesBilled = environments.reduce((sum, e) => sum + e.volumesBytes, 0n);
  const layers = BigInt(store.LayersSize);
  return {
    environments,
    unusedImagesBytes: unused,
    sharedImagesBytes: layers > billed ? layers - billed : 0n,
    buildCacheBytes: total(store.BuildCache.filter((record) => !record.Shared).map((record) => record.Size)),
    otherVolumesBytes: total(store.Volumes.map((v) => v.UsageData?.Size ?? 0)) - volumesBilled,
  };
}

function mounts(container: DockerStore["Containers"][number], volume: string): boolean {
  return container.Mounts.some((m) => m.Type === "volume" && m.Name === volume);
}

function total(bytes: readonly number[]): bigint {
  return BigInt(bytes.reduce((sum, n) => sum + n, 0));
}
