import type { GetSettingsResponse, MachineSize } from "../../../contract/gen/berth/v1/settings_pb.js";

const gib = 1024 ** 3;
export const memoryStepBytes = gib / 2;
export const diskStepBytes = 16 * gib;
/** Below this, the rest of a computer gets slow. */
const memoryToKeepBytes = 2 * gib;
/** What the host keeps for the computer at least; see its greatest size. */
const memoryKeptBytes = gib;

/** A machine's size as sliders hold it. */
export interface Size {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

export interface SizeBounds {
  readonly least: Size;
  readonly greatest: Size;
  /** What Berth chooses. */
  readonly usual: Size;
  /** With more, little is left for everything else on this computer. */
  readonly muchMemoryBytes: number;
}

/** The bounds, on the sliders' steps. */
export function boundsOf(settings: GetSettingsResponse): SizeBounds {
  const least = sizeOf(settings.leastSize);
  const greatest = sizeOf(settings.greatestSize);
  const usual = sizeOf(settings.defaultSize);
  const leastDiskBytes = Math.ceil(least.diskBytes / diskStepBytes) * diskStepBytes;
  return {
    least: { ...least, diskBytes: leastDiskBytes },
    greatest: { ...greatest, diskBytes: Math.max(greatest.diskBytes, leastDiskBytes) },
    usual: { ...usual, diskBytes: Math.max(usual.diskBytes, leastDiskBytes) },
    muchMemoryBytes: greatest.memoryBytes + memoryKeptBytes - memoryToKeepBytes,
  };
}

export function sizeOf(size: MachineSize | undefined): Size {
  return {
    cpus: size?.cpus ?? 1,
    memoryBytes: Math.floor(Number(size?.memoryBytes ?? 0n) / memoryStepBytes) * memoryStepBytes,
    diskBytes: Number(size?.dataDiskLimitBytes ?? 0n),
  };
}

/** The change that asks for a size. 0 is Berth's choice, which stays right when the computer changes. */
export function requestOf(size: Size, usual: Size) {
  return {
    cpus: size.cpus === usual.cpus ? 0 : size.cpus,
    memoryBytes: size.memoryBytes === usual.memoryBytes ? 0n : BigInt(size.memoryBytes),
    dataDiskLimitBytes: size.diskBytes === usual.diskBytes ? 0n : BigInt(size.diskBytes),
  };
}

export function same(a: Size, b: Size): boolean {
  return a.cpus === b.cpus && a.memoryBytes === b.memoryBytes && a.diskBytes === b.diskBytes;
}
