import type { Environment, EnvironmentStatus } from "../../contract/gen/gitpod/v1/environment_pb.js";
import type { EnvironmentClass, RunnerConfigurationSchema, SCMIntegration } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import type { Runner } from "../../contract/gen/gitpod/v1/runner_pb.js";

/** What the plane keeps of a runner. */
export interface RunnerRecord {
  /** As the API shows it. Its status has phase and public key. */
  readonly runner: Runner;
  readonly organizationId: string;
  /** Which process is listened to: a hash of its session, `unbound` where the runner asked for none, or empty for nobody. */
  readonly session: string;
  /** The same for one that signed up and has not shown yet that it has the private key; empty: none. */
  readonly pendingSession: string;
  /** When the credential was issued that it signed up with last; 0: it has not signed up. */
  readonly credentialIssuedAtMs: number;
  /** When it was last marked active; 0: never. */
  readonly lastActiveMs: number;
  readonly configurationSchema: RunnerConfigurationSchema | undefined;
}

export interface RunnerRecords {
  find(runnerId: string): Promise<RunnerRecord | undefined>;
  /**
   * Changes a record in one transaction: `change` sees what is committed and may be called again when another change came
   * between; undefined leaves it as it is. What it throws ends the transaction. Fails with `resource-not-found`.
   * Announces the change to the API's watchers as an update of the runner's status.
   */
  update(runnerId: string, change: (record: RunnerRecord) => RunnerRecord | undefined): Promise<RunnerRecord>;
  /** Runners whose phase is active or degraded and whose `lastActiveMs` is before the given time. */
  missingSince(beforeMs: number, limit: number): Promise<readonly string[]>;
}

/** A credential of a runner, known by its hash alone. */
export interface RunnerCredential {
  readonly hash: string;
  readonly kind: "exchange" | "access";
  readonly runnerId: string;
  readonly organizationId: string;
  readonly issuedAtMs: number;
  /** Undefined: it is good until it is taken back. */
  readonly expiresAtMs: number | undefined;
}

export interface RunnerCredentials {
  insert(credential: RunnerCredential): Promise<void>;
  find(hash: string): Promise<RunnerCredential | undefined>;
  /** Finds and removes in one transaction: of several callers at once, one gets it. */
  take(hash: string): Promise<RunnerCredential | undefined>;
  /** Removes those of a runner that are of this kind and were issued before a time. */
  removeIssuedBefore(runnerId: string, kind: RunnerCredential["kind"], beforeMs: number): Promise<void>;
  /** The same of those that were issued after a time. */
  removeIssuedAfter(runnerId: string, kind: RunnerCredential["kind"], afterMs: number): Promise<void>;
}

/** What a list gives, one page at a time; an empty token is the first page, and the last page's. */
export interface PageOf<T> {
  readonly items: readonly T[];
  readonly nextToken: string;
}

export interface PageRequest {
  readonly pageSize: number;
  readonly token: string;
}

/** The environments that are on one runner; those of others are not there. */
export interface RunnerEnvironments {
  list(
    runnerId: string,
    options: { readonly ids: readonly string[]; readonly page: PageRequest | undefined },
  ): Promise<PageOf<Environment>>;
  find(runnerId: string, environmentId: string): Promise<Environment | undefined>;
  /**
   * Does what `decide` makes of an environment as it is committed, or of undefined where the runner has none of this id:
   * another status replaces the one before and is announced, its `status_version` set by the store. May call `decide` again
   * when another change came between; what it throws leaves everything as it was.
   */
  report(runnerId: string, environmentId: string, decide: DecideReport): Promise<void>;
  /** Environments of one organization as their runner alone sees them, in the same order. */
  show(runnerId: string, environments: readonly Environment[]): Promise<readonly ShownEnvironment[]>;
}

/** A status to write, `forgotten` for an environment whose deletion has been carried out, or undefined to leave it as it is. */
export type DecideReport = (environment: Environment | undefined) => Promise<EnvironmentStatus | "forgotten" | undefined>;

export interface ShownEnvironment {
  /** Its spec names the secrets that reach it. */
  readonly environment: Environment;
  /** A credential of the environment's own principal. */
  readonly accessToken: string;
}

/** What a runner's administrators and users set up for it. */
export interface RunnerSettings {
  classes(
    runnerId: string,
    options: { readonly ids: readonly string[]; readonly page: PageRequest | undefined },
  ): Promise<PageOf<EnvironmentClass>>;
  integrations(
    runnerId: string,
    options: { readonly ids: readonly string[]; readonly page: PageRequest | undefined },
  ): Promise<PageOf<SCMIntegration>>;
  /** Takes the classes that a runner brought at its sign-up; those that are there already are left. */
  offerClasses(runnerId: string, classes: readonly EnvironmentClass[]): Promise<void>;
  /** The token that a principal gave for a host, sealed to the runner's key. */
  hostToken(runnerId: string, principalId: string, host: string): Promise<SealedHostToken | undefined>;
  /** The runner has another key: what was sealed to the old one opens for nobody any more. */
  forgetSealed(runnerId: string): Promise<void>;
}

export interface SealedHostToken {
  readonly tokenId: string;
  readonly sealedValue: Uint8Array;
  /** Empty where there is none. */
  readonly sealedRefreshToken: Uint8Array;
  readonly expiresAtMs: number | undefined;
}

/** Which version a runner should have. */
export interface LatestVersion {
  readonly version: string;
  readonly autoUpdate: boolean;
  readonly supervisorDownloadUrl: string;
  readonly cliDownloadUrl: string;
}
