import type { Client } from "@connectrpc/connect";
import type { AgentService } from "../contract/gen/berth/v1/agent_pb.js";
import type { Log } from "../lib/log.ts";
import type { MachineDriver, MachineSpec } from "../vm/driver.ts";
import type { BootJudge } from "./boot-judge.ts";
import type { FolderSource } from "./tell-folders.ts";
import type { NetworkSource } from "./tell-network.ts";

export type AgentClient = Client<typeof AgentService>;
/**
 * `paused`: the hypervisor stopped it because the host's disk is full; it goes on by itself.
 * `asleep`: suspended with everything that ran in it; any use of it wakes it.
 */
export type MachineView = "off" | "busy" | "paused" | "ready" | "asleep" | "failed";

/** Told the environments that changed, or `all` when the machine itself did. */
export type MachineListener = (environmentIds: readonly string[] | "all") => void;

/** Gives the id of a suspended machine of the same size and image. `anew`: the one it gave before cannot be used. */
export type MachineTemplate = (spec: MachineSpec, how: { readonly anew: boolean }, signal: AbortSignal) => Promise<string>;

export interface MachineKeeperOptions {
  readonly driver: MachineDriver;
  readonly id: string;
  /** What the machine shall be at its next start. */
  readonly spec: (signal: AbortSignal) => Promise<MachineSpec>;
  /** What it starts as a copy of, in the place of a first boot. */
  readonly template?: MachineTemplate;
  /** Who chose what it boots; nobody where there is no choice. */
  readonly judge?: BootJudge;
  readonly network?: NetworkSource;
  readonly folders?: FolderSource;
  readonly log: Log;
  readonly now: () => number;
}
