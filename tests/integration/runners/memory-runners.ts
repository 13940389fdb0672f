import { clone, create, equals, type MessageInitShape } from "@bufbuild/protobuf";
import { BerthError } from "../../../src/contract/berth-error.ts";
import {
  type Environment,
  EnvironmentPhase,
  EnvironmentSchema,
  type EnvironmentSpecSchema,
  EnvironmentStatusSchema,
} from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import type { EnvironmentClass } from "../../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerPhase, RunnerSchema } from "../../../src/contract/gen/gitpod/v1/runner_pb.js";
import type {
  PageOf,
  PageRequest,
  RunnerCredential,
  RunnerCredentials,
  RunnerEnvironments,
  RunnerRecord,
  RunnerRecords,
  RunnerSettings,
  SealedHostToken,
} from "../../../src/plane/runners/ports.ts";

export const organizationId = "0000aaaa-0000-7000-8000-000000000001";

/** The records of an installation, which outlive its server processes. */
export class MemoryRunners {
  readonly runners = new Map<string, RunnerRecord>();
  readonly tokens = new Map<string, RunnerCredential>();
  readonly environmentsById = new Map<string, Environment>();
  readonly hostTokens = new Map<string, SealedHostToken>();
  readonly offered: EnvironmentClass[] = [];
  /** Every status that was written, in order. */
  readonly written: { readonly id: string; readonly message: string }[] = [];
  #count = 0;

  addRunner(): string {
    const runnerId = this.#newId("000000aa");
    const runner = create(RunnerSchema, { runnerId, name: "runner", status: { phase: RunnerPhase.CREATED } });
    this.runners.set(runnerId, {
      runner,
      organizationId,
      session: "",
      pendingSession: "",
      credentialIssuedAtMs: 0,
      lastActiveMs: 0,
      configurationSchema: undefined,
    });
    return runnerId;
  }

  addEnvironment(runnerId: string, spec: MessageInitShape<typeof EnvironmentSpecSchema> = {}): string {
    const id = this.#newId("000000ee");
    const environment = create(EnvironmentSchema, {
      id,
      metadata: { organizationId, runnerId, name: `environment ${this.#count}` },
      spec: { desiredPhase: EnvironmentPhase.RUNNING, ...spec, specVersion: 1n },
    });
    this.environmentsById.set(id, environment);
    return id;
  }

  /** Changes the spec of an environment and counts its version up. */
  changeSpec(id: string, change: (draft: Environment) => void): void {
    const draft = clone(EnvironmentSchema, this.environment(id));
    change(draft);
    if (draft.spec !== undefined) draft.spec.specVersion += 1n;
    this.environmentsById.set(id, draft);
  }

  environment(id: string): Environment {
    const environment = this.environmentsById.get(id);
    if (environment === undefined) throw new Error(`there is no environment ${id}`);
    return environment;
  }

  phase(runnerId: string): RunnerPhase | undefined {
    return this.runners.get(runnerId)?.runner.status?.phase;
  }

  readonly records: RunnerRecords = {
    find: async (runnerId) => this.runners.get(runnerId),
    update: async (runnerId, change) => {
      const record = this.runners.get(runnerId);
      if (record === undefined) throw new BerthError("resource-not-found", `there is no runner ${runnerId}`);
      const changed = change(record) ?? record;
      this.runners.set(runnerId, changed);
      return changed;
    },
    missingSince: async (beforeMs, limit) =>
      [...this.runners.values()]
        .filter(({ runner, lastActiveMs }) => lastActiveMs < beforeMs && isThere(runner.status?.phase))
        .map(({ runner }) => runner.runnerId)
        .slice(0, limit),
  };

  readonly credentials: RunnerCredentials = {
    insert: async (credential) => void this.tokens.set(credential.hash, credential),
    find: async (hash) => this.tokens.get(hash),
    take: async (hash) => {
      const found = this.tokens.get(hash);
      this.tokens.delete(hash);
      return found;
    },
    removeIssuedBefore: async (runnerId, kind, beforeMs) => {
      for (const [hash, token] of this.tokens)
        if (token.runnerId === runnerId && token.kind === kind && token.issuedAtMs < beforeMs) this.tokens.delete(hash);
    },
    removeIssuedAfter: async (runnerId, kind, afterMs) => {
      for (const [hash, token] of this.tokens)
        if (token.runnerId === runnerId && token.kind === kind && token.issuedAtMs > afterMs) this.tokens.delete(hash);
    },
  };

  readonly environments: RunnerEnvironments = {
    list: async (runnerId, { ids, page }) =>
      pageOf(
        [...this.environmentsById.values()].filter(
          (one) => one.metadata?.runnerId === runnerId && (ids.length === 0 || ids.includes(one.id)),
        ),
        page,
      ),
    find: async (runnerId, id) => {
      const found = this.environmentsById.get(id);
      return found?.metadata?.runnerId === runnerId ? found : undefined;
    },
    report: async (runnerId, id, decide) => {
      const found = this.environmentsById.get(id);
      const before = found?.metadata?.runnerId === runnerId ? found : undefined;
      const status = await decide(before);
      if (before === undefined || status === undefined) return;
      if (status === "forgotten") return void this.environmentsById.delete(id);
      const statusVersion = before.status?.statusVersion ?? 0n;
      if (before.status !== undefined && equals(EnvironmentStatusSchema, before.status, { ...status, statusVersion })) return;
      this.written.push({ id, message: status.failureMessage[0] ?? "" });
      this.environmentsById.set(id, { ...before, status: { ...status, statusVersion: statusVersion + 1n } });
    },
    show: async (_runnerId, environments) =>
      environments.map((environment) => ({ environment, accessToken: `environment ${environment.id}` })),
  };

  readonly settings: RunnerSettings = {
    classes: async () => ({ items: this.offered, nextToken: "" }),
    integrations: async () => ({ items: [], nextToken: "" }),
    offerClasses: async (_runnerId, classes) => void this.offered.push(...classes),
    hostToken: async (runnerId, principalId, host) => this.hostTokens.get(`${runnerId} ${principalId} ${host}`),
    forgetSealed: async (runnerId) => {
      for (const key of this.hostTokens.keys()) if (key.startsWith(runnerId)) this.hostTokens.delete(key);
    },
  };

  #newId(prefix: string): string {
    return `${prefix}-0000-7000-8000-${String(++this.#count).padStart(12, "0")}`;
  }
}

function isThere(phase: RunnerPhase | undefined): boolean {
  return phase === RunnerPhase.ACTIVE || phase === RunnerPhase.DEGRADED;
}

/** Small pages, so that lists have several. */
function pageOf<T>(items: readonly T[], page: PageRequest | undefined): PageOf<T> {
  const size = 3;
  const start = Number(page?.token === "" ? 0 : (page?.token ?? 0));
  const end = start + size;
  return { items: items.slice(start, end), nextToken: end < items.length ? String(end) : "" };
}
