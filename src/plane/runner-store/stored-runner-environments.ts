import { clone, create, toBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type Environment,
  EnvironmentSchema,
  EnvironmentSpec_SecretSchema,
  type EnvironmentSpec_Secret,
  type EnvironmentStatus,
  EnvironmentStatusSchema,
} from "../../contract/gen/gitpod/v1/environment_pb.js";
import { ResourceOperation } from "../../contract/gen/gitpod/v1/event_pb.js";
import type { Secret } from "../../contract/gen/gitpod/v1/secret_pb.js";
import { forgetEnvironment } from "../forget-environment.ts";
import type { DecideReport, PageOf, PageRequest, RunnerEnvironments, ShownEnvironment } from "../runners/ports.ts";
import { secretScopeIds, secretsOf } from "../secrets.ts";
import { environmentKind, secretKind } from "../store/kinds.ts";
import type { Store, Stored, View } from "../store/store.ts";
import { trackUsage } from "../usage/track-usage.ts";
import type { EnvironmentTokens } from "./environment-tokens.ts";

/** The environments of runners in the plane's store. */
export class StoredRunnerEnvironments implements RunnerEnvironments {
  readonly #store: Store;
  readonly #view: View;
  readonly #tokens: EnvironmentTokens;
  readonly #now: () => number;

  constructor(options: { readonly store: Store; readonly tokens: EnvironmentTokens; readonly now: () => number }) {
    this.#store = options.store;
    this.#view = options.store.system("runners");
    this.#tokens = options.tokens;
    this.#now = options.now;
  }

  async list(
    runnerId: string,
    { ids, page }: { readonly ids: readonly string[]; readonly page: PageRequest | undefined },
  ): Promise<PageOf<Environment>> {
    const where = { runnerIds: [runnerId], ...(ids.length === 0 ? {} : { ids }) };
    const { items, nextToken } = await this.#view.list(environmentKind, page, { where });
    return { items: items.map(({ message }) => message), nextToken };
  }

  async find(runnerId: string, environmentId: string): Promise<Environment | undefined> {
    return (await this.#find(this.#view, runnerId, environmentId))?.message;
  }

  async show(runnerId: string, environments: readonly Environment[]): Promise<readonly ShownEnvironment[]> {
    if (environments.length === 0) return [];
    const organizationId = environments[0]?.metadata?.organizationId ?? "";
    const scopeIds = [...new Set(environments.flatMap(secretScopeIds))];
    const [accessTokens, secrets] = await Promise.all([
      this.#tokens.of(runnerId, environments),
      this.#store.inOrganization(organizationId).all(secretKind, { where: { parentIds: scopeIds } }),
    ]);
    const messages = secrets.map(({ message }) => message);
    return environments.map((environment, index) => ({
      environment: withSecrets(environment, secretsOf(environment, messages)),
      accessToken: accessTokens[index] ?? "",
    }));
  }

  async report(runnerId: string, environmentId: string, decide: DecideReport): Promise<void> {
    await this.#view.transaction(
      async (tx) => {
        const stored = await this.#find(tx, runnerId, environmentId);
        const status = await decide(stored?.message);
        if (stored === undefined || status === undefined) return;
        // Killed before it is on the disk, the plane has the environment still and is told again.
        if (status === "forgotten") return forgetEnvironment(tx, stored, this.#now());
        const before = stored.message.status;
        const statusVersion = before?.statusVersion ?? 0n;
        const after = { ...status, ...laterSignal(before, status), statusVersion };
        if (before !== undefined && isSame(before, after)) return;
        const observed = { ...stored.message, status: { ...after, statusVersion: statusVersion + 1n } };
        await trackUsage(tx, stored, { phase: after.phase, nowMs: this.#now() });
        tx.update(environmentKind, stored, observed, { operation: ResourceOperation.UPDATE_STATUS });
      },
      { isObserved: true },
    );
  }

  async #find(reader: Pick<View, "get">, runnerId: string, environmentId: string): Promise<Stored<typeof EnvironmentSchema> | undefined> {
    const stored = await reader.get(environmentKind, environmentId);
    return stored?.message.metadata?.runnerId === runnerId ? stored : undefined;
  }
}

/** People tell the plane that they are active, too; what a runner knows of it may be older. */
function laterSignal(before: EnvironmentStatus | undefined, status: EnvironmentStatus): Partial<EnvironmentStatus> {
  const [known, told] = [before?.activitySignal, status.activitySignal];
  if (known === undefined) return {};
  const timeOf = ({ timestamp }: typeof known): number => (timestamp === undefined ? 0 : timestampMs(timestamp));
  return told === undefined || timeOf(told) < timeOf(known) ? { activitySignal: known } : {};
}

function withSecrets(environment: Environment, secrets: readonly Secret[]): Environment {
  if (environment.spec === undefined || secrets.length === 0) return environment;
  const shown = clone(EnvironmentSchema, environment);
  if (shown.spec !== undefined) shown.spec.secrets = secrets.map(specSecretOf);
  return shown;
}

/** A secret as a spec names it; its session changes with its value. */
function specSecretOf({ id, name, mount, updatedAt }: Secret): EnvironmentSpec_Secret {
  return create(EnvironmentSpec_SecretSchema, {
    id,
    name,
    mount: mount.case === "environmentVariable" ? { case: "environmentVariable", value: name } : mount,
    session: updatedAt === undefined ? "" : String(timestampMs(updatedAt)),
  });
}

function isSame(a: EnvironmentStatus, b: EnvironmentStatus): boolean {
  return Buffer.from(toBinary(EnvironmentStatusSchema, a)).equals(toBinary(EnvironmentStatusSchema, b));
}
