import type { Duplex } from "node:stream";
import type { BerthError } from "../contract/berth-error.ts";

/** What a driver on this computer can do, asked once before it is used. */
export interface DriverProbe {
  readonly usable: boolean;
  /** kvm, hvf, tcg, vz or simulated. */
  readonly accelerator: Accelerator;
  /** Why it is not usable, or why it is slower than it could be; empty when all is well. */
  readonly reason: string;
  /** What a person can do about `reason`. */
  readonly fix: string;
  /** Version of the hypervisor's program. */
  readonly version: string;
}

export type Accelerator = "kvm" | "hvf" | "tcg" | "vz" | "simulated";

/** Callers ask these flags and never a driver's name (P9). */
export interface DriverFeatures {
  /** `shutdown` reaches the guest's power button; otherwise the agent must be asked first. */
  readonly powerButton: boolean;
  /** `usage` returns the hypervisor's memory and CPU time. */
  readonly usage: boolean;
  /** `suspend` saves a machine, and its next start continues it without a boot. */
  readonly suspend: boolean;
  /** `create` with a higher limit grows the disk of a machine that runs; its agent then grows the file system. */
  readonly diskGrowsOnline: boolean;
  /** `fork` starts new machines as copies of a suspended one. */
  readonly fork: boolean;
  /** Folders of this computer can be seen by a machine: `any`, or only with the right to change them. */
  readonly sharedFolders: "none" | "writable" | "any";
  /** Its machines are paused before this computer sleeps and resumed when it wakes: their guests do not get over it else. */
  readonly pauseForSleep: boolean;
}

/** An immutable machine image on the host. */
export interface MachineImage {
  readonly sha256: string;
  readonly arch: "amd64" | "arm64";
  readonly kernelPath: string;
  readonly initrdPath: string;
  readonly rootPath: string;
}

/** What a machine shall be. Paths are absolute. */
export interface MachineSpec {
  /** `[a-z0-9-]{1,32}`; also the name of its folders. */
  readonly id: string;
  readonly image: MachineImage;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** The sparse data disk's size as the guest sees it. */
  readonly dataDiskLimitBytes: number;
  /** What it may see of this computer beside that; nothing by default. */
  readonly sharedFolders?: readonly SharedFolder[];
}

/** A folder of this computer that a machine sees live, by virtio-fs. */
export interface SharedFolder {
  /** What the guest mounts it by: `[a-z0-9]{1,32}`. */
  readonly tag: string;
  /** Absolute, and no link. */
  readonly hostPath: string;
  /** Held to outside of the machine, whatever is in it. */
  readonly readOnly: boolean;
}

/** What was observed of a machine, never what is wanted. */
export type MachineStatus =
  | { readonly state: "absent" }
  /** `suspended`: the next start continues it, unless what it ran on has changed. */
  | { readonly state: "off"; readonly exit?: MachineExit; readonly suspended?: { readonly savedAtMs: number } }
  | { readonly state: "running"; readonly pid?: number; readonly startedAtMs: number }
  /** Stopped by the hypervisor: `host-disk-full` until space is freed, else by request. */
  | { readonly state: "paused"; readonly reason: "host-disk-full" | "requested"; readonly startedAtMs: number };

export interface MachineExit {
  readonly reason: "shutdown" | "suspended" | "crashed" | "panicked" | "killed";
  readonly detail: string;
  readonly atMs: number;
}

export interface MachineUsage {
  readonly residentMemoryBytes: number;
  readonly cpuTimeMs: number;
  /** Blocks really allocated on the host. */
  readonly dataDiskAllocatedBytes: number;
}

/**
 * Makes and runs machines of one kind. Every operation can be repeated: doing it again when it is
 * already done changes nothing. Errors are `BerthError`s with a code of the catalogue.
 */
export interface MachineDriver {
  readonly name: string;
  readonly features: DriverFeatures;
  /** Times a canary guest under each accelerator; cached per host boot. */
  probe(signal: AbortSignal): Promise<DriverProbe>;
  /** Makes the data disk when absent. Never touches an existing one, but grows it to a higher limit; of a machine that runs only with `diskGrowsOnline`. */
  create(spec: MachineSpec, signal: AbortSignal): Promise<void>;
  /**
   * Resolves when the hypervisor runs; the guest may still boot. A suspended machine is continued when its disk and
   * all that its memory depends on are the same as then, else it is booted.
   */
  start(spec: MachineSpec, signal: AbortSignal): Promise<void>;
  /** Looks at what is there now, including machines that an earlier host process started. */
  inspect(id: string): Promise<MachineStatus>;
  /** Ids of all machines with a folder. */
  list(): Promise<readonly string[]>;
  /** Why folders cannot be shared on this computer, as an error of the catalogue; undefined where they can. */
  sharedFoldersRefusal(): BerthError | undefined;
  /** Which folders of a running machine are not to be had in it, and why, by their tags; only what is known of it by itself. */
  sharedFolderFailures(id: string): ReadonlyMap<string, string>;
  /** Called after every change of `inspect`'s answer that the driver notices by itself. */
  onChange(listener: (id: string) => void): () => void;
  /** Presses the power button, waits `graceMs`, then kills. Resolves when the machine is off. */
  shutdown(id: string, options: { readonly graceMs: number; readonly signal: AbortSignal }): Promise<void>;
  /** Pulls the plug. */
  kill(id: string): Promise<void>;
  /**
   * Saves memory and devices, and ends the hypervisor. The agent is asked to sync before. Fails with `suspend-failed`
   * or `host-disk-full`, or when the signal aborts, and then the machine runs on.
   */
  suspend(id: string, options: { readonly signal: AbortSignal }): Promise<void>;
  /**
   * Starts a machine that has no disk yet as a copy of a suspended one of the same image and size: of its disk, and of
   * its memory, which goes on where it was saved. The suspended one stays as it is. The copy takes itself for the other
   * one until its agent was given `AgentStream.newIdentity`. Fails with `fork-unavailable` when the other one cannot be
   * continued, or as `start` does, and then nothing is left of the new one.
   */
  fork(spec: MachineSpec, templateId: string, signal: AbortSignal): Promise<void>;
  /** The agent of a copy has taken its identity; from now on it is a machine like any other. */
  identityTaken(id: string): Promise<void>;
  /** Holds a running machine where it is; nothing in it goes on. */
  pause(id: string): Promise<void>;
  /** Continues a paused machine. */
  resume(id: string): Promise<void>;
  /** The agent's byte stream. Only one at a time; a second dial closes the first. */
  dialAgent(id: string, signal: AbortSignal): Promise<AgentStream>;
  /** The last bytes of the guest's console. */
  consoleTail(id: string, maxBytes: number): Promise<string>;
  usage(id: string): Promise<MachineUsage>;
  /** Removes the machine with its data disk. Refused while it runs. */
  remove(id: string): Promise<void>;
  /** The data disk of a machine that is off. */
  dataDisk(id: string): DataDisk;
}

/** Copies of a machine's data disk, beside it and by name. Only for a machine that is off; every operation can be repeated. */
export interface DataDisk {
  /** Makes a copy, in the place of an earlier one of this name. Fails with `upgrade-needs-space`. */
  copy(name: string, signal: AbortSignal): Promise<void>;
  /** Puts a copy in the disk's place, all at once; nothing happens when there is none of this name. */
  restore(name: string): Promise<void>;
  /** Removes all copies. */
  dropCopies(): Promise<void>;
}

/** The raw stream with the key that starts a new framing on it (see `src/lib/link.ts`). */
export interface AgentStream {
  readonly stream: Duplex;
  /** 32 random bytes made at each boot and known only to host and guest. */
  readonly linkKey: Uint8Array;
  /** What the agent of a copy must take (AgentService.TakeIdentity) before it is used for anything, and `identityTaken` be called after. */
  readonly newIdentity?: MachineIdentity;
}

/** What tells a machine from the one that it is a copy of. */
export interface MachineIdentity {
  /** 32 hexadecimal digits, machine-id(5). */
  readonly machineId: string;
  readonly hostname: string;
  readonly macAddress: string;
  /** The key of every later stream. */
  readonly linkKey: Uint8Array;
}
