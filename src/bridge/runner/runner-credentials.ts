import { timestampMs } from "@bufbuild/protobuf/wkt";
import { BerthError } from "../../contract/berth-error.ts";
import type { OpenSecret } from "../../contract/engine-port.ts";
import type { EnvironmentSpec_Secret } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { RunnerInteractionService } from "../../contract/gen/gitpod/v1/runner_interaction_pb.js";
import { SecretService } from "../../contract/gen/gitpod/v1/secret_pb.js";
import type { Clock } from "../../lib/clock.ts";
import { type KeyPair, openSealed } from "../../lib/sealed-box.ts";
import type { PlaneConnection } from "./plane-connection.ts";

/** git hosts take a token as the password of this name. */
const tokenUsername = "oauth2";

interface HostCredential {
  readonly username: string;
  readonly password: string;
  readonly expiresAtMs: number | undefined;
}

/** Values that environments need. They are kept in memory alone, for the time the plane is away. */
export class RunnerCredentials {
  readonly #connection: PlaneConnection;
  readonly #keyPair: KeyPair;
  readonly #clock: Clock;
  readonly #secrets = new Map<string, OpenSecret[]>();
  readonly #hosts = new Map<string, HostCredential | undefined>();

  constructor(options: { readonly connection: PlaneConnection; readonly keyPair: KeyPair; readonly clock: Clock }) {
    this.#connection = options.connection;
    this.#keyPair = options.keyPair;
    this.#clock = options.clock;
  }

  /**
   * The values of the secrets in a spec, read as the environment itself. While the plane is away, those that were read
   * before; fails with `plane-unreachable` where there are none.
   */
  async openSecrets(
    environment: { readonly id: string; readonly secrets: readonly EnvironmentSpec_Secret[]; readonly accessToken: string },
    signal: AbortSignal,
  ): Promise<readonly OpenSecret[]> {
    const { id, secrets, accessToken } = environment;
    const key = `${id} ${secrets.map((secret) => `${secret.id}@${secret.session}`).join(" ")}`;
    try {
      const client = this.#connection.client(SecretService);
      const open = await Promise.all(
        secrets.map(async (secret): Promise<OpenSecret> => {
          const headers = { authorization: `Bearer ${accessToken}` };
          const { value } = await this.#connection.call(
            (call) => client.getSecretValue({ secretId: secret.id }, { ...call, headers }),
            signal,
          );
          return { name: secret.name, value, mount: mountOf(secret) };
        }),
      );
      this.#secrets.set(key, open);
      return open;
    } catch (error) {
      const known = this.#secrets.get(key);
      if (known === undefined || !isAway(error)) throw error;
      return known;
    }
  }

  /** The token that a principal gave for a host; undefined where it gave none. */
  async openHostCredential(
    { runnerId, principalId, host }: { readonly runnerId: string; readonly principalId: string; readonly host: string },
    signal: AbortSignal,
  ): Promise<{ username: string; password: string } | undefined> {
    // An environment that nobody is named for, e.g. one of a prebuild.
    if (principalId === "") return undefined;
    const key = hostKey(principalId, host);
    try {
      const client = this.#connection.client(RunnerInteractionService);
      const answer = await this.#connection.call(
        (call) => client.getHostAuthenticationTokenValue({ runnerId, principalId, host }, call),
        signal,
      );
      const expiresAtMs = answer.expiresAt === undefined ? undefined : timestampMs(answer.expiresAt);
      const password = await openSealed(this.#keyPair, answer.value);
      this.#hosts.set(key, { username: tokenUsername, password, expiresAtMs });
      // Whether it is good still is the plane's to say while it is there; this computer's clock may be wrong.
      return { username: tokenUsername, password };
    } catch (error) {
      if (error instanceof BerthError && error.code === "resource-not-found") this.#hosts.delete(key);
      else if (!isAway(error) || !this.#hosts.has(key)) throw error;
    }
    const known = this.#hosts.get(key);
    if (known === undefined || (known.expiresAtMs !== undefined && known.expiresAtMs <= this.#clock.nowMs())) return undefined;
    return { username: known.username, password: known.password };
  }

  /** The token for a host was deleted. */
  forgetHost(principalId: string, host: string): void {
    this.#hosts.delete(hostKey(principalId, host));
  }

  /** An environment is gone. */
  forgetEnvironment(id: string): void {
    for (const key of this.#secrets.keys()) if (key.startsWith(`${id} `)) this.#secrets.delete(key);
  }
}

function hostKey(principalId: string, host: string): string {
  return `${principalId} ${host.toLowerCase()}`;
}

function isAway(error: unknown): boolean {
  return error instanceof BerthError && error.code === "plane-unreachable";
}

function mountOf({ mount, name }: EnvironmentSpec_Secret): OpenSecret["mount"] {
  switch (mount.case) {
    case "environmentVariable":
      return { kind: "environmentVariable", name: mount.value === "" ? name : mount.value };
    case "filePath":
      return { kind: "file", path: mount.value };
    case "gitCredentialHost":
      return { kind: "gitCredential", host: mount.value };
    case "containerRegistryBasicAuthHost":
      return { kind: "registryCredential", host: mount.value };
    case "apiOnly":
    case undefined:
      return { kind: "apiOnly" };
  }
}
