import { create, type DescMethod, type DescService } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { AuditRecordSchema } from "../../../src/contract/gen/berth/v1/audit_records_pb.js";
import { DomainRecordSchema, SsoConfigurationRecordSchema } from "../../../src/contract/gen/berth/v1/sign_in_records_pb.js";
import { AccessTokenRecordSchema } from "../../../src/contract/gen/berth/v1/records_pb.js";
import { AccountService } from "../../../src/contract/gen/gitpod/v1/account_pb.js";
import { EditorService } from "../../../src/contract/gen/gitpod/v1/editor_pb.js";
import {
  EnvironmentAutomationService,
  ServiceSchema,
  TaskExecutionSchema,
  TaskSchema,
} from "../../../src/contract/gen/gitpod/v1/environment_automation_pb.js";
import { EnvironmentSchema, EnvironmentService } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { EventService, ResourceType } from "../../../src/contract/gen/gitpod/v1/event_pb.js";
import { GatewayService } from "../../../src/contract/gen/gitpod/v1/gateway_pb.js";
import {
  GroupMembershipSchema,
  GroupSchema,
  GroupService,
  ResourceRole,
  RoleAssignmentSchema,
} from "../../../src/contract/gen/gitpod/v1/group_pb.js";
import { IdentityService, Principal } from "../../../src/contract/gen/gitpod/v1/identity_pb.js";
import { OrganizationService } from "../../../src/contract/gen/gitpod/v1/organization_pb.js";
import { PrebuildService } from "../../../src/contract/gen/gitpod/v1/prebuild_pb.js";
import { ProjectSchema, ProjectService } from "../../../src/contract/gen/gitpod/v1/project_pb.js";
import {
  EnvironmentClassSchema,
  HostAuthenticationTokenSchema,
  SCMIntegrationSchema,
  RunnerConfigurationService,
} from "../../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerInteractionService } from "../../../src/contract/gen/gitpod/v1/runner_interaction_pb.js";
import { RunnerSchema, RunnerService } from "../../../src/contract/gen/gitpod/v1/runner_pb.js";
import { SecretSchema, SecretService } from "../../../src/contract/gen/gitpod/v1/secret_pb.js";
import {
  ServiceAccountSchema,
  ServiceAccountService,
  ServiceAccountTokenSchema,
} from "../../../src/contract/gen/gitpod/v1/service_account_pb.js";
import { UsageService } from "../../../src/contract/gen/gitpod/v1/usage_pb.js";
import { PersonalAccessTokenSchema, UserService } from "../../../src/contract/gen/gitpod/v1/user_pb.js";
import { silentLog } from "../../../src/lib/log.ts";
import { newToken, tokenAuthentication } from "../../../src/plane/access-tokens.ts";
import type { ResourceKind } from "../../../src/plane/authorization/row.ts";
import type { Caller } from "../../../src/plane/caller.ts";
import { createServerPlane } from "../../../src/plane/create-server-plane.ts";
import { auditKind } from "../../../src/plane/audit/audit-kind.ts";
import { scmIntegrationKind } from "../../../src/plane/runner-store/kinds.ts";
import { domainVerificationKind, ssoConfigurationKind } from "../../../src/plane/sign-in-store/provider-kinds.ts";
import { environmentServiceKind, environmentTaskKind, taskExecutionKind } from "../../../src/plane/store/automation-kinds.ts";
import { environmentClassKind, runnerKind } from "../../../src/plane/store/fleet-kinds.ts";
import {
  accessTokenKind,
  groupKind,
  groupMembershipKind,
  preferenceKind,
  roleAssignmentKind,
  serviceAccountKind,
} from "../../../src/plane/store/identity-kinds.ts";
import { environmentKind, hostTokenKind, secretKind } from "../../../src/plane/store/kinds.ts";
import { projectKind } from "../../../src/plane/store/project-kinds.ts";
import { InMemoryFanOut } from "../../../src/plane/runners/fan-out.ts";
import type { Store } from "../../../src/plane/store/store.ts";
import { UserPreferenceRecordSchema } from "../../../src/contract/gen/berth/v1/records_pb.js";
import { StoredProviders } from "../../../src/plane/sign-in-store/stored-providers.ts";
import { DomainVerifier } from "../../../src/plane/sign-in/domain-verification.ts";
import { HttpServer } from "../../../src/server/http-server.ts";
import { openStore } from "../../../src/server/open-store.ts";
import type { Databases } from "../store/databases.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { newFounder, newMember, type Person } from "./people.ts";

/** In every name and text of the attacked organization; an answer to somebody else that has it leaks. */
export const canary = "kestrel";

const servedServices: readonly DescService[] = [
  ...[AccountService, EditorService, EnvironmentAutomationService, EnvironmentService, EventService, GatewayService, GroupService],
  ...[IdentityService, OrganizationService, PrebuildService, ProjectService, RunnerConfigurationService, RunnerService],
  ...[RunnerInteractionService, SecretService, ServiceAccountService, UsageService, UserService],
];

/** What can be called with one request and one answer. */
export const unaryMethods: readonly DescMethod[] = servedServices.flatMap((service) =>
  service.methods.filter(({ methodKind }) => methodKind === "unary"),
);

export type Ids = Readonly<Partial<Record<ResourceKind, string>>>;

export interface Answer {
  readonly status: number;
  /** Of Connect; empty when the call succeeded. */
  readonly code: string;
  readonly text: string;
}

const errorBody = z.object({ code: z.string() });

export interface Watch {
  /** All lines so far. */
  readonly heard: () => string;
  /** All lines, when there are no more. */
  readonly over: Promise<string>;
}

/** A server with two organizations: one of Ada, Bob and Carol, which has one of everything, and one of Eve. */
export class AttackWorld {
  readonly store: Store;
  readonly ada: Person;
  readonly bob: Person;
  readonly carol: Person;
  readonly eve: Person;
  /** Bob's, and what belongs to the organization. */
  readonly ids: Ids;
  readonly carolsIds: Ids;
  readonly evesIds: Ids;
  /** Tokens of what a server gives none to in this test: environments and runners. */
  readonly tokens: {
    readonly environment: string;
    /** Of the runner that Bob made. */
    readonly runner: string;
    readonly foreignRunner: string;
    readonly readOnly: string;
    readonly serviceAccount: string;
  };
  /** Of the timers of watches. */
  readonly clock: FakeClock;
  readonly #server: HttpServer;
  readonly #folder: string;
  readonly #draining: AbortController;

  private constructor(
    options: Omit<AttackWorld, "baseUrl" | "builtMethods" | "call" | "watch" | "stop"> & {
      readonly server: HttpServer;
      readonly folder: string;
      readonly draining: AbortController;
    },
  ) {
    const { store, ada, bob, carol, eve, ids, carolsIds, evesIds, tokens, clock, server, folder, draining } = options;
    this.store = store;
    this.ada = ada;
    this.bob = bob;
    this.carol = carol;
    this.eve = eve;
    this.ids = ids;
    this.carolsIds = carolsIds;
    this.evesIds = evesIds;
    this.tokens = tokens;
    this.clock = clock;
    this.#server = server;
    this.#folder = folder;
    this.#draining = draining;
  }

  static async start(databases: Pick<Databases, "make">): Promise<AttackWorld> {
    const folder = mkdtempSync(join(tmpdir(), "berth-attack-"));
    const now = (): number => Date.now();
    const opened = await openStore({
      databaseUrl: await databases.make(),
      keyFile: join(folder, "key"),
      oldKeyFiles: [],
      now,
      log: silentLog,
    });
    const { store } = opened;
    const byToken = tokenAuthentication({ store, now, log: silentLog });
    const draining = new AbortController();
    const clock = new FakeClock();
    const programs = new Map<string, Caller>();
    const api = createServerPlane({
      ...opened,
      authenticate: async (headers) => programs.get(headers.get("authorization") ?? "") ?? byToken(headers),
      admit: () => undefined,
      tellFault: () => "a fault",
      now,
      after: clock.after.bind(clock),
      drain: draining.signal,
      fanOut: new InMemoryFanOut(),
      processId: randomUUID(),
      log: silentLog,
      providers: new StoredProviders(store, opened.sealer),
      domainVerifier: new DomainVerifier({ resolveTxt: async () => [] }),
    });
    const listen = { host: "127.0.0.1", port: 0 };
    const server = await HttpServer.start({ listen, pages: {}, api, log: silentLog });
    const ada = await newFounder(store, `${canary} Ada`, "ada@example.com");
    const bob = await newMember(store, ada.organizationId, `${canary} Bob`);
    const carol = await newMember(store, ada.organizationId, `${canary} Carol`);
    const eve = await newFounder(store, "Eve", "eve@elsewhere.test");
    const ids = await oneOfEverything(store, bob, canary);
    const carolsIds = await oneOfEverything(store, carol, `${canary} too`);
    const evesIds = await oneOfEverything(store, eve, "eves");
    const program = (principal: Principal, id: string, organizationId: string): string => {
      const token = randomBytes(32).toString("hex");
      programs.set(`Bearer ${token}`, { principal, id, organizationId, accountId: "", isAdministrator: false, isReadOnly: false });
      return token;
    };
    const tokens = {
      environment: program(Principal.ENVIRONMENT, ids.environment ?? "", ada.organizationId),
      runner: program(Principal.RUNNER, ids.runner ?? "", ada.organizationId),
      foreignRunner: program(Principal.RUNNER, evesIds.runner ?? "", eve.organizationId),
      serviceAccount: program(Principal.SERVICE_ACCOUNT, ids.serviceAccount ?? "", ada.organizationId),
      readOnly: await readOnlyToken(store, ada),
    };
    return new AttackWorld({ store, ada, bob, carol, eve, ids, carolsIds, evesIds, tokens, clock, server, folder, draining });
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  /** Calls a method as JSON. */
  async call(
    who: Person | string | undefined,
    method: DescMethod,
    body: string | Uint8Array<ArrayBuffer>,
    type = "application/json",
  ): Promise<Answer> {
    const token = typeof who === "object" ? who.token : who;
    const response = await fetch(`${this.baseUrl}/${method.parent.typeName}/${method.name}`, {
      method: "POST",
      headers: { "content-type": type, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      body,
    });
    const text = await response.text();
    if (response.ok) return { status: response.status, code: "", text };
    const parsed = errorBody.safeParse(text.startsWith("{") ? JSON.parse(text) : {});
    const unserved = response.status === 404 ? "unimplemented" : `http ${response.status}`;
    return { status: response.status, code: parsed.data?.code ?? unserved, text };
  }

  /** Watches events as lines until one has `last` in it, or the server ends it; comes when it has begun. */
  async watch(who: Person, last: string): Promise<Watch> {
    const response = await fetch(`${this.baseUrl}/gitpod.v1.EventService/WatchEvents`, {
      method: "POST",
      headers: { accept: "application/jsonl", "content-type": "application/json", authorization: `Bearer ${who.token}` },
      body: JSON.stringify({ organization: true }),
    });
    let text = "";
    const over = (async () => {
      for await (const chunk of response.body ?? []) {
        text += Buffer.from(chunk).toString();
        if (text.includes(last)) break;
      }
      // Broken off by the server, as a stream of lines that fails is.
    })().catch(() => undefined);
    return { heard: () => text, over: over.then(() => text) };
  }

  /** The methods that are there; one after the other, so that a busy database answers every one. */
  async builtMethods(): Promise<readonly DescMethod[]> {
    const built: DescMethod[] = [];
    for (const method of unaryMethods) {
      const { code, text } = await this.call(this.ada, method, "{}");
      if (code === "unavailable") throw new Error(text);
      if (code !== "unimplemented") built.push(method);
    }
    return built;
  }

  async stop(): Promise<void> {
    this.#draining.abort();
    await this.#server.drain(AbortSignal.abort());
    await this.store.close();
    rmSync(this.#folder, { recursive: true });
  }
}

async function readOnlyToken(store: Store, { userId, organizationId }: Person): Promise<string> {
  const { token, hash } = newToken("personal");
  const personal = create(PersonalAccessTokenSchema, { id: randomUUID(), userId, readOnly: true });
  await store.inOrganization(organizationId).transaction(async (tx) => {
    tx.insert(accessTokenKind, personal.id, create(AccessTokenRecordSchema, { hash, token: { case: "personal", value: personal } }));
  });
  return token;
}

/** One of each kind, of a person; gives their ids. */
async function oneOfEverything(store: Store, { userId, organizationId }: Person, name: string): Promise<Ids> {
  const id = (): string => randomUUID();
  const creator = { id: userId, principal: Principal.USER };
  const at = timestampFromMs(Date.now());
  const ids = {
    organization: organizationId,
    user: userId,
    principal: userId,
    ...{ environment: id(), project: id(), runner: id(), environmentClass: id(), secret: id(), hostAuthenticationToken: id() },
    ...{ group: id(), groupMembership: id(), roleAssignment: id(), serviceAccount: id(), personalAccessToken: id() },
    ...{ serviceAccountToken: id(), preference: id(), ssoConfiguration: id(), domainVerification: id() },
    ...{ scmIntegration: id(), auditLogEntry: id() },
    ...{ environmentService: id(), environmentTask: id(), taskExecution: id() },
  };
  const { environment, project, runner, group, serviceAccount } = ids;
  await store.inOrganization(organizationId).transaction(async (tx) => {
    const metadata = { organizationId, name, creator, runnerId: runner, createdAt: at };
    tx.insert(environmentKind, environment, create(EnvironmentSchema, { id: environment, metadata, spec: { specVersion: 1n } }));
    const automation = { environmentId: environment, metadata: { reference: "web", name, creator } };
    tx.insert(environmentServiceKind, ids.environmentService, create(ServiceSchema, { id: ids.environmentService, ...automation }));
    tx.insert(environmentTaskKind, ids.environmentTask, create(TaskSchema, { id: ids.environmentTask, ...automation }));
    const run = { id: ids.taskExecution, metadata: { environmentId: environment, taskId: ids.environmentTask, creator, startedBy: name } };
    tx.insert(taskExecutionKind, run.id, create(TaskExecutionSchema, run));
    tx.insert(projectKind, project, create(ProjectSchema, { id: project, metadata: { organizationId, name, creator, createdAt: at } }));
    tx.insert(runnerKind, runner, create(RunnerSchema, { runnerId: runner, name, creator, createdAt: at }));
    const classId = ids.environmentClass;
    tx.insert(
      environmentClassKind,
      classId,
      create(EnvironmentClassSchema, { id: classId, displayName: name, runnerId: runner, enabled: true }),
    );
    const mount = { case: "environmentVariable", value: true } as const;
    const scope = { scope: { case: "userId", value: userId } } as const;
    tx.insert(secretKind, ids.secret, create(SecretSchema, { id: ids.secret, name, creator, mount, scope }));
    const token = { id: ids.hostAuthenticationToken, runnerId: runner, host: `${name}.example`, subject: creator };
    tx.insert(hostTokenKind, token.id, create(HostAuthenticationTokenSchema, token));
    tx.insert(groupKind, group, create(GroupSchema, { id: group, organizationId, name, createdAt: at, updatedAt: at }));
    const place = { id: ids.groupMembership, groupId: group, subject: creator, name };
    tx.insert(groupMembershipKind, place.id, create(GroupMembershipSchema, place));
    const about = { resourceId: project, resourceType: ResourceType.PROJECT, resourceRole: ResourceRole.PROJECT_EDITOR };
    const assignment = { id: ids.roleAssignment, groupId: group, organizationId, ...about };
    tx.insert(roleAssignmentKind, assignment.id, create(RoleAssignmentSchema, assignment));
    tx.insert(
      serviceAccountKind,
      serviceAccount,
      create(ServiceAccountSchema, { id: serviceAccount, organizationId, name, creator, createdAt: at }),
    );
    const personal = create(PersonalAccessTokenSchema, { id: ids.personalAccessToken, userId, description: name, creator });
    const own = create(AccessTokenRecordSchema, { hash: newToken("personal").hash, token: { case: "personal", value: personal } });
    tx.insert(accessTokenKind, personal.id, own);
    const ofAccount = { id: ids.serviceAccountToken, serviceAccountId: serviceAccount, description: name, creator };
    const hash = newToken("serviceAccount").hash;
    const value = create(ServiceAccountTokenSchema, ofAccount);
    const record = create(AccessTokenRecordSchema, { hash, token: { case: "serviceAccount", value } });
    tx.insert(accessTokenKind, ofAccount.id, record);
    const preference = { id: ids.preference, key: name, value: name };
    tx.insert(preferenceKind, preference.id, create(UserPreferenceRecordSchema, { userId, preference }));
    const host = `${name.replaceAll(" ", "-")}.example`;
    const configuration = { id: ids.ssoConfiguration, organizationId, displayName: name, issuerUrl: `https://${host}` };
    tx.insert(ssoConfigurationKind, configuration.id, create(SsoConfigurationRecordSchema, { configuration }));
    const verification = { id: ids.domainVerification, organizationId, domain: host, verificationToken: name };
    tx.insert(domainVerificationKind, verification.id, create(DomainRecordSchema, { verification }));
    const integration = { id: ids.scmIntegration, runnerId: runner, host };
    tx.insert(scmIntegrationKind, integration.id, create(SCMIntegrationSchema, integration));
    const entry = { id: ids.auditLogEntry, organizationId, actor: creator, method: name, subjectId: environment, createdAt: at };
    tx.insert(auditKind, entry.id, create(AuditRecordSchema, entry));
  });
  return ids;
}
