import { clone, create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { parseContextUrl } from "../../contract/context-url.ts";
import type { EngineCalls } from "../../contract/engine-port.ts";
import { CountResponseRelation } from "../../contract/gen/gitpod/v1/count_pb.js";
import type { EnvironmentService } from "../../contract/gen/gitpod/v1/environment_pb.js";
import {
  ContextURLInitializerSchema,
  type Environment,
  EnvironmentInitializerSchema,
  EnvironmentMetadataSchema,
  EnvironmentPhase,
  EnvironmentRole,
  EnvironmentSchema,
  type EnvironmentSpec,
  EnvironmentSpecSchema,
  type ListEnvironmentsRequest,
  ListEnvironmentsRequest_ArchivalStatus,
  ListEnvironmentsRequest_SortField,
  type UpdateEnvironmentRequest,
} from "../../contract/gen/gitpod/v1/environment_pb.js";
import { SortOrder } from "../../contract/gen/gitpod/v1/pagination_pb.js";
import { RunnerKind } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import type { EnvironmentRecords } from "../environment-records.ts";
import { paginate } from "../pagination.ts";
import { type LocalIdentity, localClasses } from "../local-identity.ts";

/** A folder of this computer as the source of a working copy, in the place of a context URL. */
export const folderScheme = "berth-folder:";
const namePattern = /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}$/;
const maxNameTries = 1000;

interface Dependencies {
  readonly records: EnvironmentRecords;
  readonly engineCalls: EngineCalls;
  readonly identity: LocalIdentity;
  readonly gitIdentity: () => Promise<{ readonly name: string; readonly email: string }>;
  readonly now: () => number;
}

/** gitpod.v1.EnvironmentService: wishes in, observations out; carrying out is the engine's. */
export function environmentService(dependencies: Dependencies): Partial<ServiceImpl<typeof EnvironmentService>> {
  const { records, identity } = dependencies;
  return {
    getEnvironment: (request) => ({ environment: records.get(request.environmentId) }),
    listEnvironments: (request) => list(request, records, identity),
    listEnvironmentClasses: (request) => {
      const { page, nextToken } = paginate(localClasses(identity), (c) => c.id, request.pagination);
      const wanted = request.filter?.runnerIds ?? [];
      return {
        environmentClasses: page.filter(() => wanted.length === 0 || wanted.includes(identity.runnerId)),
        pagination: { nextToken },
      };
    },
    createEnvironment: async (request, context) => {
      if (request.spec === undefined) throw new ConnectError("spec is missing", Code.InvalidArgument);
      return {
        environment: await createEnvironment(
          dependencies,
          { spec: request.spec, name: request.name, annotations: request.annotations, sessionId: request.sessionId },
          context.signal,
        ),
      };
    },
    startEnvironment: (request) => {
      records.update(request.environmentId, (draft) => start(draft, dependencies));
      return {};
    },
    stopEnvironment: (request) => {
      records.update(request.environmentId, (draft) => wish(draft, EnvironmentPhase.STOPPED));
      return {};
    },
    updateEnvironment: (request) => {
      if (request.metadata?.name !== undefined) checkName(records, request.metadata.name, request.environmentId);
      records.update(request.environmentId, (draft) => update(draft, request));
      return {};
    },
    deleteEnvironment: (request) => {
      records.update(request.environmentId, (draft) => wish(draft, EnvironmentPhase.DELETED));
      return {};
    },
    markEnvironmentActive: (request) => {
      const environment = records.get(request.environmentId);
      const status = environment.status ?? records.emptyStatus();
      if (request.activitySignal !== undefined)
        records.writeStatus(request.environmentId, { ...status, activitySignal: request.activitySignal });
      return {};
    },
    archiveEnvironment: (request) => {
      records.update(request.environmentId, (draft) => {
        if (draft.metadata !== undefined) draft.metadata.archivedAt = records.timestamp();
        wish(draft, EnvironmentPhase.STOPPED);
      });
      return {};
    },
    unarchiveEnvironment: (request) => {
      records.update(request.environmentId, (draft) => delete draft.metadata?.archivedAt);
      return {};
    },
  };
}

export interface NewEnvironment {
  readonly spec: EnvironmentSpec;
  readonly name: string | undefined;
  readonly annotations: { [key: string]: string };
  readonly sessionId: string;
}

/** Checks and records a new environment. Fails with `name-taken`, `name-invalid` or `url-invalid`. */
export async function createEnvironment(
  { records, engineCalls, identity, gitIdentity, now }: Dependencies,
  request: NewEnvironment,
  signal: AbortSignal,
): Promise<Environment> {
  const spec = clone(EnvironmentSpecSchema, request.spec);
  const { content } = spec;
  const saysWho = content !== undefined && (content.gitUsername !== "" || content.gitEmail !== "");
  // Asked for before a name is chosen: between the choice and the insertion nobody may choose the same.
  const committer = saysWho ? { name: content.gitUsername, email: content.gitEmail } : await gitIdentity();
  const source = sourceOf(spec);
  const suggested = source.startsWith(folderScheme)
    ? (source.split("/").at(-1) ?? "folder")
    : source === ""
      ? "environment"
      : parseContextUrl(source).repository;
  const name = request.name === undefined || request.name === "" ? freeName(records, suggested) : checkName(records, request.name);
  await engineCalls.validateSpec(spec, signal);
  const id = uuidV7(now());
  spec.specVersion = 1n;
  if (spec.desiredPhase === EnvironmentPhase.UNSPECIFIED) spec.desiredPhase = EnvironmentPhase.RUNNING;
  spec.machine = {
    $typeName: "gitpod.v1.EnvironmentSpec.Machine",
    session: uuidV7(now()),
    class: spec.machine?.class === undefined || spec.machine.class === "" ? (localClasses(identity)[0]?.id ?? "") : spec.machine.class,
    preferDualDisk: false,
  };
  spec.content = {
    $typeName: "gitpod.v1.EnvironmentSpec.Content",
    ...content,
    gitUsername: committer.name,
    gitEmail: committer.email,
    session: uuidV7(now()),
  };
  spec.devcontainer = {
    $typeName: "gitpod.v1.EnvironmentSpec.DevContainer",
    devcontainerFilePath: "",
    defaultDevcontainerImage: "",
    lifecycleStage: 0,
    ...spec.devcontainer,
    session: uuidV7(now()),
  };
  const environment = create(EnvironmentSchema, {
    id,
    metadata: create(EnvironmentMetadataSchema, {
      organizationId: identity.organizationId,
      annotations: request.annotations,
      name,
      creator: identity.subject,
      originalContextUrl: source,
      createdAt: records.timestamp(),
      runnerId: identity.runnerId,
      role: EnvironmentRole.DEFAULT,
      sessionId: request.sessionId,
      ...(spec.desiredPhase === EnvironmentPhase.RUNNING ? { lastStartedAt: records.timestamp() } : {}),
    }),
    spec,
    status: { statusVersion: 1n, phase: EnvironmentPhase.CREATING },
  });
  records.insert(environment);
  return environment;
}

/** A spec whose working copy comes from a folder of this computer. */
export function folderSpec(folder: string): EnvironmentSpec {
  const initializer = create(EnvironmentInitializerSchema, {
    specs: [{ spec: { case: "contextUrl", value: create(ContextURLInitializerSchema, { url: `${folderScheme}${folder}` }) } }],
  });
  return create(EnvironmentSpecSchema, { desiredPhase: EnvironmentPhase.RUNNING, content: { initializer } });
}

/** The address or folder a spec's working copy is made from. */
export function sourceOf(spec: EnvironmentSpec): string {
  const first = spec.content?.initializer?.specs[0]?.spec;
  if (first?.case === "contextUrl") return first.value.url;
  return first?.case === "git" ? first.value.remoteUri : "";
}

function checkName(records: EnvironmentRecords, name: string, exceptId?: string): string {
  if (!namePattern.test(name)) throw new BerthError("name-invalid", `'${name}'`);
  if (records.list().some((e) => e.id !== exceptId && e.metadata?.name.toLowerCase() === name.toLowerCase()))
    throw new BerthError("name-taken", `there is an environment '${name}' already`);
  return name;
}

function freeName(records: EnvironmentRecords, suggested: string): string {
  const base =
    suggested
      .replaceAll(/[^A-Za-z0-9 ._-]+/g, "-")
      .replace(/^[^A-Za-z0-9]+/, "")
      .slice(0, 70) || "environment";
  const taken = new Set(records.list().map((e) => e.metadata?.name.toLowerCase()));
  for (let n = 1; n < maxNameTries; n++) {
    const name = n === 1 ? base : `${base}-${n}`;
    if (!taken.has(name.toLowerCase())) return name;
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
function start(draft: Environment, { records, now }: Dependencies): void {
  wish(draft, EnvironmentPhase.RUNNING);
  const { spec, status } = draft;
  if (spec?.content !== undefined && status?.content?.failureMessage !== undefined && status.content.failureMessage !== "")
    spec.content.session = uuidV7(now());
  if (spec?.machine !== undefined && status?.machine?.failureMessage !== undefined && status.machine.failureMessage !== "")
    spec.machine.session = uuidV7(now());
  if (spec?.devcontainer !== undefined && status?.devcontainer?.failureMessage !== undefined && status.devcontainer.failureMessage !== "")
    spec.devcontainer.session = uuidV7(now());
  if (draft.metadata !== undefined) draft.metadata.lastStartedAt = records.timestamp();
}

function update(draft: Environment, request: UpdateEnvironmentRequest): void {
  const { spec, metadata } = draft;
  if (metadata !== undefined && request.metadata?.name !== undefined) metadata.name = request.metadata.name;
  const wanted = request.spec;
  if (spec === undefined || wanted === undefined) return;
  if (spec.content !== undefined && wanted.content !== undefined) {
    spec.content.session = wanted.content.session ?? spec.content.session;
    spec.content.gitUsername = wanted.content.gitUsername ?? spec.content.gitUsername;
    spec.content.gitEmail = wanted.content.gitEmail ?? spec.content.gitEmail;
  }
  if (spec.devcontainer !== undefined && wanted.devcontainer !== undefined) {
    spec.devcontainer.session = wanted.devcontainer.session ?? spec.devcontainer.session;
    spec.devcontainer.devcontainerFilePath = wanted.devcontainer.devcontainerFilePath ?? spec.devcontainer.devcontainerFilePath;
  }
  for (const key of wanted.sshPublicKeys) {
    spec.sshPublicKeys = spec.sshPublicKeys.filter((existing) => existing.id !== key.id);
    if (key.value !== undefined)
      spec.sshPublicKeys.push({ $typeName: "gitpod.v1.EnvironmentSpec.SSHPublicKey", id: key.id, value: key.value });
  }
  for (const port of wanted.ports) spec.ports = [...spec.ports.filter((existing) => existing.port !== port.port), port];
}

function list(request: ListEnvironmentsRequest, records: EnvironmentRecords, identity: LocalIdentity) {
  const { filter } = request;
  const archival = filter?.archivalStatus ?? ListEnvironmentsRequest_ArchivalStatus.ACTIVE;
  const has = <T>(wanted: readonly T[] | undefined, value: T): boolean =>
    wanted === undefined || wanted.length === 0 || wanted.includes(value);
  const matches = (e: Environment): boolean => {
    const { metadata } = e;
    if (metadata === undefined) return false;
    const archived = metadata.archivedAt !== undefined;
    if (archival === ListEnvironmentsRequest_ArchivalStatus.ACTIVE && archived) return false;
    if (archival === ListEnvironmentsRequest_ArchivalStatus.ARCHIVED && !archived) return false;
    if (filter === undefined) return true;
    if (
      filter.createdBefore !== undefined &&
      metadata.createdAt !== undefined &&
      timestampMs(metadata.createdAt) >= timestampMs(filter.createdBefore)
    )
      return false;
    if (
      filter.lockdownBefore !== undefined &&
      (metadata.lockdownAt === undefined || timestampMs(metadata.lockdownAt) >= timestampMs(filter.lockdownBefore))
    )
      return false;
    const search = filter.search.toLowerCase();
    if (search !== "" && ![metadata.name, metadata.originalContextUrl, e.id].some((text) => text.toLowerCase().includes(search)))
      return false;
    return (
      has(filter.runnerIds, metadata.runnerId) &&
      has(filter.creatorIds, metadata.creator?.id ?? "") &&
      has(filter.projectIds, metadata.projectId) &&
      has(filter.sessionIds, metadata.sessionId) &&
      has(filter.roles, metadata.role) &&
      has(filter.statusPhases, e.status?.phase ?? 0) &&
      has(filter.runnerKinds, identity.runnerId === metadata.runnerId ? RunnerKind.LOCAL : RunnerKind.REMOTE)
    );
  };
  const found = records.list().filter(matches);
  if (request.sort?.field === ListEnvironmentsRequest_SortField.ARCHIVED_AT)
    found.sort((a, b) => archivedMs(a) - archivedMs(b) || (a.id < b.id ? -1 : 1));
  if (request.sort?.order === SortOrder.DESC) found.reverse();
  const { page, nextToken } = paginate(found, (e) => e.id, request.pagination);
  return {
    environments: page,
    pagination: { nextToken },
    ...(request.count?.include === true ? { count: { value: found.length, relation: CountResponseRelation.EQ } } : {}),
  };
}

function archivedMs(environment: Environment): number {
  return environment.metadata?.archivedAt === undefined ? 0 : timestampMs(environment.metadata.archivedAt);
}
