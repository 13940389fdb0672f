import { BerthError } from "../contract/berth-error.ts";

export interface MachineMemory {
  /** What people call it. */
  readonly name: string;
  readonly memoryBytes: number;
}

/** Fails with `computer-memory-short` when this computer could not spare what one more machine takes; says what to stop. */
export function checkMemory(options: {
  readonly computerBytes: number;
  /** What the computer keeps for itself. */
  readonly reserveBytes: number;
  readonly wanted: MachineMemory;
  /** Machines that run, or are about to. */
  readonly others: readonly MachineMemory[];
}): void {
  const { computerBytes, reserveBytes, wanted, others } = options;
  const taken = others.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  if (taken + wanted.memoryBytes <= computerBytes - reserveBytes) return;
  const list = others.map(({ name, memoryBytes }) => `${name} (${gib(memoryBytes)})`).join(", ");
  throw new BerthError(
    "computer-memory-short",
    `${wanted.name} needs ${gib(wanted.memoryBytes)}; of the ${gib(computerBytes)} of this computer ${gib(taken)} are taken by ` +
      `${list === "" ? "no machine" : list}${others.length === 0 ? "" : "; suspend one of these"}`,
  );
}

function gib(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
