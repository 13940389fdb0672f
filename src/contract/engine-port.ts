import type { Environment, EnvironmentSpec, EnvironmentStatus } from "./gen/gitpod/v1/environment_pb.js";
import type { ParseContextURLResponse } from "./gen/gitpod/v1/runner_pb.js";

/**
 * What the engine needs of a plane, embedded or remote: specs in, status out.
 * The plane owns the records; the engine owns nothing but observation.
 */
export interface EnvironmentStore {
  list(): Promise<readonly Environment[]>;
  get(environmentId: string): Promise<Environment | undefined>;
  /** Replaces the status as a whole and announces it. `status_version` is set by the store. */
  writeStatus(environmentId: string, status: EnvironmentStatus): Promise<void>;
  /** Forgets an environment whose deletion has been carried out. */
  remove(environmentId: string): Promise<void>;
  /** Called after each commit that changed a spec or metadata. */
  onSpecChange(listener: (environmentId: string) => void): () => void;
  /** Values of the secrets in an environment's spec, opened for this use only. */
  openSecrets(environmentId: string): Promise<readonly OpenSecret[]>;
  /** The credential a principal stored for a source-control or registry host. */
  openHostCredential(principalId: string, host: string): Promise<{ username: string; password: string } | undefined>;
}

export interface OpenSecret {
  readonly name: string;
  readonly value: string;
  readonly mount:
    | { readonly kind: "environmentVariable"; readonly name: string }
    | { readonly kind: "file"; readonly path: string }
    | { readonly kind: "gitCredential"; readonly host: string }
    | { readonly kind: "registryCredential"; readonly host: string }
    | { readonly kind: "apiOnly" };
}

/** What the plane asks of an engine: the runner's inverted calls. */
export interface EngineCalls {
  parseContextUrl(
    request: { readonly contextUrl: string; readonly principalId: string },
    signal: AbortSignal,
  ): Promise<ParseContextURLResponse>;
  /** Throws a `BerthError` when this spec cannot be carried out here. */
  validateSpec(spec: EnvironmentSpec, signal: AbortSignal): Promise<void>;
}
