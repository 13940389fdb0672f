import { clone, create } from "@bufbuild/protobuf";
import { timestampDate, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { parseContextUrl } from "../../contract/context-url.ts";
import type { EnvironmentService } from "../../contract/gen/gitpod/v1/environment_pb.js";
import {
  type Environment,
  EnvironmentMetadataSchema,
  EnvironmentPhase,
  EnvironmentRole,
  EnvironmentSchema,
  type EnvironmentSpec,
  EnvironmentSpecSchema,
} from "../../contract/gen/gitpod/v1/environment_pb.js";
import type { Project } from "../../contract/gen/gitpod/v1/project_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import { type Caller, subjectOf } from "../caller.ts";
import { EnvironmentRecords } from "../environment-records.ts";
import { folderScheme, sourceOf } from "../environment-source.ts";
import type { Fleet } from "../fleet.ts";
import type { RequestScope, ScopeOf } from "../request-scope.ts";
import { checkPortSharing, checkRunnerKind, checkSource, checkUpdate, keepLimits, lockdownOf } from "./environment-policies.ts";
import { policiesOf } from "./organization-policies.ts";
import { environmentNameKey } from "../store/kinds.ts";
import type { PageTokens } from "../store/page-tokens.ts";
import { projectKind } from "../store/project-kinds.ts";
import { found } from "./found.ts";
import { projectSpec } from "./project-spec.ts";
import { listClasses } from "./list-classes.ts";
import { listEnvironments } from "./list-environments.ts";
import { checkSpec } from "./supported-spec.ts";
import { applyUpdate } from "./update-environment.ts";
import { usableClass, usableClasses } from "./usable-classes.ts";

const namePattern = /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}$/;
const maxNameTries = 1000;

interface Dependencies {
  readonly scopeOf: ScopeOf;
  readonly fleet: Fleet;
  readonly tokens: PageTokens;
  /** Who commits in new environments whose spec does not say it. */
  readonly gitIdentity: (caller: Caller) => Promise<{ readonly name: string; readonly email: string }>;
  readonly now: () => number;
}

/** gitpod.v1.EnvironmentService: wishes in, observations out; carrying out is the engine's. */
export function environmentService(dependencies: Dependencies): Partial<ServiceImpl<typeof EnvironmentService>> {
  return { ...making(dependencies), ...changing(dependencies) };
}

function making(dependencies: Dependencies): Partial<ServiceImpl<typeof EnvironmentService>> {
  const { scopeOf, fleet, tokens, now } = dependencies;
  const recordsOf = (context: HandlerContext): EnvironmentRecords => new EnvironmentRecords(scopeOf(context).store, now);
  return {
    getEnvironment: async (request, context) => ({ environment: await recordsOf(context).get(request.environmentId) }),
    listEnvironments: async (request, context) => listEnvironments(request, { scope: scopeOf(context), fleet }),
    listEnvironmentClasses: async (request, context) => listClasses(request, { fleet, tokens, scope: scopeOf(context) }),
    createEnvironmentFromProject: async (request, context) => {
      const scope = scopeOf(context);
      const project = (await found(scope.store, projectKind, request.projectId, "project")).message;
      const { name, annotations, sessionId } = request;
      const spec = projectSpec(project, request.spec, await usableClasses(fleet, scope));
      const wanted = { spec, name, annotations, sessionId, project };
      return { environment: await createEnvironment(dependencies, scope, wanted, context.signal) };
    },
    createEnvironment: async (request, context) => {
      if (request.spec === undefined) throw new BerthError("request-invalid", "spec is missing");
      const { spec, name, annotations, sessionId } = request;
      const wanted = { spec, name, annotations, sessionId };
      return { environment: await createEnvironment(dependencies, scopeOf(context), wanted, context.signal) };
    },
  };
}

function changing({ scopeOf, now }: Dependencies): Partial<ServiceImpl<typeof EnvironmentService>> {
  const recordsOf = (context: HandlerContext): EnvironmentRecords => new EnvironmentRecords(scopeOf(context).store, now);
  return {
    startEnvironment: async (request, context) => {
      const { store } = scopeOf(context);
      const policies = await policiesOf(store, store.organizationId);
      await recordsOf(context).update(
        request.environmentId,
        (draft) => start(draft, now),
        async (tx, environment) => keepLimits({ tx, reader: store }, policies, { environment, isNew: false }),
      );
      return {};
    },
    stopEnvironment: async (request, context) => {
      await recordsOf(context).update(request.environmentId, (draft) => wish(draft, EnvironmentPhase.STOPPED));
      return {};
    },
    updateEnvironment: async (request, context) => {
      const records = recordsOf(context);
      const { environmentId, metadata } = request;
      const scope = scopeOf(context);
      const policies = await policiesOf(scope.store, scope.store.organizationId);
      if (metadata?.name !== undefined) await checkName(records, await creatorOf(records, environmentId), metadata.name, environmentId);
      const change = (draft: Environment): void => {
        checkUpdate(policies, scope, { environment: draft, request });
        applyUpdate(draft, request);
      };
      await taken(metadata?.name, async () => records.update(environmentId, change));
      return {};
    },
    deleteEnvironment: async (request, context) => {
      await recordsOf(context).update(request.environmentId, (draft) => wish(draft, EnvironmentPhase.DELETED));
      return {};
    },
    markEnvironmentActive: async ({ environmentId, activitySignal }, context) => {
      const records = recordsOf(context);
      await records.get(environmentId);
      if (activitySignal === undefined) return {};
      const timestamp = activitySignal.timestamp ?? records.timestamp();
      await records.changeStatus(environmentId, (status) => ({ ...status, activitySignal: { ...activitySignal, timestamp } }));
      return {};
    },
    archiveEnvironment: async (request, context) => {
      const records = recordsOf(context);
      await records.update(request.environmentId, (draft) => {
        if (draft.metadata !== undefined) draft.metadata.archivedAt = records.timestamp();
        wish(draft, EnvironmentPhase.STOPPED);
      });
      return {};
    },
    unarchiveEnvironment: async (request, context) => {
      await recordsOf(context).update(request.environmentId, (draft) => delete draft.metadata?.archivedAt);
      return {};
    },
  };
}

export interface NewEnvironment {
  readonly spec: EnvironmentSpec;
  readonly name: string | undefined;
  readonly annotations: { [key: string]: string };
  readonly sessionId: string;
  /** What it is made of. */
  readonly project?: Project;
}

/** Checks and records a new environment. Fails with `name-taken`, `name-invalid`, `url-invalid` or `policy-refused`. */
export async function createEnvironment(
  { fleet, gitIdentity, now }: Pick<Dependencies, "fleet" | "gitIdentity" | "now">,
  scope: RequestScope,
  request: NewEnvironment,
  signal: AbortSignal,
): Promise<Environment> {
  const { caller, store } = scope;
  const policies = await policiesOf(store, store.organizationId);
  checkPortSharing(policies, request.spec.ports);
  checkSpec(request.spec);
  const records = new EnvironmentRecords(store, now);
  const spec = clone(EnvironmentSpecSchema, request.spec);
  const environmentClass = await usableClass(fleet, scope, spec.machine?.class ?? "");
  const { content } = spec;
  const source = sourceOf(spec);
  checkSource(policies, scope, { source, project: request.project });
  await checkRunnerKind(policies, fleet, environmentClass.runnerId);
  const suggested = source.startsWith(folderScheme) ? (source.split("/").at(-1) ?? "folder") : parseContextUrl(source).repository;
  const given = request.name === undefined || request.name === "" ? undefined : request.name;
  if (given !== undefined) await checkName(records, caller.id, given);
  const engineCalls = await fleet.engineCalls(store.organizationId, environmentClass.runnerId);
  await engineCalls.validateSpec(spec, signal);
  const saysWho = content !== undefined && (content.gitUsername !== "" || content.gitEmail !== "");
  const committer = saysWho ? { name: content.gitUsername, email: content.gitEmail } : await gitIdentity(caller);
  completeSpec(spec, { classId: environmentClass.id, committer, defaultImage: policies.defaultEnvironmentImage, now });
  const lockdownAt = lockdownOf(policies, now());
  const environment = create(EnvironmentSchema, {
    id: uuidV7(now()),
    metadata: create(EnvironmentMetadataSchema, {
      organizationId: store.organizationId,
      annotations: request.annotations,
      name: given ?? "",
      creator: subjectOf(caller),
      originalContextUrl: source,
      createdAt: records.timestamp(),
      runnerId: environmentClass.runnerId,
      role: EnvironmentRole.DEFAULT,
      sessionId: request.sessionId,
      projectId: request.project?.id ?? "",
      ...(lockdownAt === undefined ? {} : { lockdownAt }),
      ...(spec.desiredPhase === EnvironmentPhase.RUNNING ? { lastStartedAt: records.timestamp() } : {}),
    }),
    spec,
    status: { statusVersion: 1n, phase: EnvironmentPhase.CREATING },
  });
  const insert = async (): Promise<void> =>
    records.insert(environment, async (tx) => keepLimits({ tx, reader: store }, policies, { environment, isNew: true }));
  if (given === undefined) await insertWithFreeName(records, environment, { suggested, insert });
  else await taken(given, insert);
  return environment;
}

/** Sessions for what is to be done first, and what the request left open. */
function completeSpec(
  spec: EnvironmentSpec,
  options: {
    readonly classId: string;
    readonly committer: { readonly name: string; readonly email: string };
    /** Of dev containers whose repository names none. */
    readonly defaultImage: string;
    readonly now: () => number;
  },
): void {
  const { classId, committer, defaultImage, now } = options;
  spec.specVersion = 1n;
  if (spec.desiredPhase === EnvironmentPhase.UNSPECIFIED) spec.desiredPhase = EnvironmentPhase.RUNNING;
  spec.machine = {
    $typeName: "gitpod.v1.EnvironmentSpec.Machine",
    session: uuidV7(now()),
    class: classId,
    preferDualDisk: false,
  };
  spec.content = {
    $typeName: "gitpod.v1.EnvironmentSpec.Content",
    ...spec.content,
    gitUsername: committer.name,
    gitEmail: committer.email,
    session: uuidV7(now()),
  };
  spec.devcontainer = {
    $typeName: "gitpod.v1.EnvironmentSpec.DevContainer",
    devcontainerFilePath: "",
    lifecycleStage: 0,
    ...spec.devcontainer,
    defaultDevcontainerImage: spec.devcontainer?.defaultDevcontainerImage || defaultImage,
    session: uuidV7(now()),
  };
}

async function creatorOf(records: EnvironmentRecords, id: string): Promise<string> {
  return (await records.get(id)).metadata?.creator?.id ?? "";
}

async function checkName(records: EnvironmentRecords, creatorId: string, name: string, exceptId?: string): Promise<void> {
  if (!namePattern.test(name)) throw new BerthError("name-invalid", `'${name}'`);
  const other = await records.findByName(environmentNameKey(creatorId, name));
  if (other !== undefined && other.id !== exceptId)
    throw new BerthError("name-taken", `there is an environment '${other.metadata?.name}' already`);
}

/** Says of a name that was taken since it was checked what it says of one that was taken before. */
async function taken<T>(name: string | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (name === undefined || !isTaken(error)) throw error;
    throw new BerthError("name-taken", `there is an environment '${name}' already`, { cause: error });
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof BerthError && error.code === "resource-exists";
}

/** Inserts it under the suggested name or, where that is taken, the first free one like it. */
async function insertWithFreeName(
  records: EnvironmentRecords,
  environment: Environment,
  { suggested, insert }: { readonly suggested: string; readonly insert: () => Promise<void> },
): Promise<void> {
  const { metadata } = environment;
  const base =
    suggested
      .replaceAll(/[^A-Za-z0-9 ._-]+/g, "-")
      .replace(/^[^A-Za-z0-9]+/, "")
      .slice(0, 70) || "environment";
  for (let n = 1; n < maxNameTries && metadata !== undefined; n++) {
    metadata.name = n === 1 ? base : `${base}-${n}`;
    if ((await records.findByName(environmentNameKey(metadata.creator?.id ?? "", metadata.name))) !== undefined) continue;
    try {
      return await insert();
    } catch (error) {
      // Somebody took it in between.
      if (!isTaken(error)) throw error;
    }
  }
  throw new BerthError("name-taken", `all names like '${base}' are taken`);
}

function wish(draft: Environment, phase: EnvironmentPhase): void {
  if (draft.spec === undefined) return;
  if (draft.spec.desiredPhase === EnvironmentPhase.DELETED && phase !== EnvironmentPhase.DELETED)
    throw new BerthError("environment-busy", "it is being deleted");
  draft.spec.desiredPhase = phase;
}

/** Wishes for a running environment; what failed gets a new session, which is what makes the engine try again. */
function start(draft: Environment, now: () => number): void {
  const { archivedAt, lockdownAt, name } = draft.metadata ?? {};
  if (archivedAt !== undefined) throw new BerthError("environment-archived", name ?? "");
  if (lockdownAt !== undefined && timestampMs(lockdownAt) <= now())
    throw new BerthError("environment-expired", `${name} may run until ${timestampDate(lockdownAt).toISOString()}`);
  wish(draft, EnvironmentPhase.RUNNING);
  const { spec, status } = draft;
  if (spec?.content !== undefined && status?.content?.failureMessage !== undefined && status.content.failureMessage !== "")
    spec.content.session = uuidV7(now());
  if (spec?.machine !== undefined && status?.machine?.failureMessage !== undefined && status.machine.failureMessage !== "")
    spec.machine.session = uuidV7(now());
  if (spec?.devcontainer !== undefined && status?.devcontainer?.failureMessage !== undefined && status.devcontainer.failureMessage !== "")
    spec.devcontainer.session = uuidV7(now());
  if (draft.metadata !== undefined) draft.metadata.lastStartedAt = timestampFromMs(now());
}
