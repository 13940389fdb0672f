import type { BerthError } from "../../contract/berth-error.ts";
import type { EnvironmentClass } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import type { SizeBounds } from "./class-machine.ts";
import type { DialSsh } from "../../bridge/runner/tunnel-answer.ts";
import type { EnvironmentStore } from "../../contract/engine-port.ts";

/** How a runner and its plane are to each other. */
export type ConnectionState =
  | { readonly kind: "connecting" }
  | { readonly kind: "connected"; readonly sinceMs: number }
  | { readonly kind: "offline"; readonly sinceMs: number; readonly reason: BerthError }
  | { readonly kind: "ended"; readonly reason: BerthError };

/** A runner's tie to a remote plane; the bridge makes it. */
export interface RunnerConnection {
  readonly planeUrl: string;
  /** For the engine, in place of the embedded plane's. */
  readonly environmentStore: EnvironmentStore;
  /** Undefined for a class that the plane does not have. */
  readonly findClass: (classId: string) => EnvironmentClass | undefined;
  readonly state: () => ConnectionState;
  /** How many environments' newest status the plane does not have yet. */
  readonly pendingCount: () => number;
  /** Environments that are here and that the plane does not know any more. */
  readonly orphanIds: () => readonly string[];
  readonly deleteOrphan: (environmentId: string) => void;
  /** Tells the plane what keeps this runner from doing all it should; empty when nothing does. */
  readonly report: (degradedMessage: string) => Promise<void>;
  readonly onState: (listener: () => void) => () => void;
  /** Runs until the signal it was made with aborts; ends with the reason, as an error, when the plane will not have this runner any more. */
  readonly run: () => Promise<void>;
}

/** Makes the tie to the plane that this computer was enrolled with; undefined where it stands alone. */
export type ConnectPlane = (options: {
  readonly classes: () => Promise<readonly EnvironmentClass[]>;
  /** How big machines can be here. */
  readonly bounds: SizeBounds;
  readonly dialSsh: DialSsh;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}) => RunnerConnection | undefined;
