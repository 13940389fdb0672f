import { clone, create } from "@bufbuild/protobuf";
import { timestampDate, timestampMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { parseContextUrl } from "../../contract/context-url.ts";
import type { EngineCalls } from "../../contract/engine-port.ts";
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
import type { EnvironmentClass } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { sshAliasOf } from "../../lib/ssh-alias.ts";
import { uuidV7 } from "../../lib/uuid.ts";
import type { EnvironmentRecords } from "../environment-records.ts";
import { folderScheme, sourceOf } from "../environment-source.ts";
import type { LocalIdentity } from "../local-identity.ts";
import { listClasses } from "./list-classes.ts";
import { listEnvironments } from "./list-environments.ts";
import { checkSpec } from "./supported-spec.ts";
import { applyUpdate } from "./update-environment.ts";

const namePattern = /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}$/;
const maxNameTries = 1000;

interface Dependencies {
  readonly records: EnvironmentRecords;
  readonly engineCalls: EngineCalls;
  readonly identity: LocalIdentity;
  readonly classes: () => EnvironmentClass[];
  readonly gitIdentity: () => Promise<{ readonly name: string; readonly email: string }>;
  readonly now: () => number;
}

/** gitpod.v1.EnvironmentService: wishes in, observations out; carrying out is the engine's. */
export function environmentService(dependencies: Dependencies): Partial<ServiceImpl<typeof EnvironmentService>> {
  const { records, identity, classes } = dependencies;
  return {
    getEnvironment: (request) => ({ environment: records.get(request.environmentId) }),
    listEnvironments: (request) => listEnvironments(request, records.list(), identity.runnerId),
    listEnvironmentClasses: (request) => listClasses(request, classes()),
    createEnvironmentFromProject: (request) => {
      throw new BerthError("resource-not-found", `there is no project ${request.projectId}`);
    },
    createEnvironment: async (request, context) => {
      if (request.spec === undefined) throw new BerthError("request-invalid", "spec is missing");
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
      records.update(request.environmentId, (draft) => applyUpdate(draft, request));
      return {};
    },
    deleteEnvironment: (request) => {
      records.update(request.environmentId, (draft) => wish(draft, EnvironmentPhase.DELETED));
      return {};
    },
    markEnvironmentActive: (request) => {
      const { id, status = records.emptyStatus() } = records.get(request.environmentId);
      if (request.activitySignal === undefined) return {};
      const { activitySignal } = request;
      records.writeStatus(id, {
        ...status,
        activitySignal: { ...activitySignal, timestamp: activitySignal.timestamp ?? records.timestamp() },
      });
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
  checkSpec(request.spec);
  const spec = clone(EnvironmentSpecSchema, request.spec);
  const classId = spec.machine?.class || identity.classId;
  if (classId !== identity.classId && classId !== identity.dedicatedClassId)
    throw new BerthError("resource-not-found", `there is no environment class ${classId}`);
  const { content } = spec;
  const saysWho = content !== undefined && (content.gitUsername !== "" || content.gitEmail !== "");
  // Asked for before a name is chosen: between the choice and the insertion nobody may choose the same.
  const committer = saysWho ? { name: content.gitUsername, email: content.gitEmail } : await gitIdentity();
  const source = sourceOf(spec);
  const suggested = source.startsWith(folderScheme) ? (source.split("/").at(-1) ?? "folder") : parseContextUrl(source).repository;
  const name = request.name === undefined || request.name === "" ? freeName(records, suggested) : checkName(records, request.name);
  await engineCalls.validateSpec(spec, signal);
  const id = uuidV7(now());
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

function checkName(records: EnvironmentRecords, name: string, exceptId?: string): string {
  if (!namePattern.test(name)) throw new BerthError("name-invalid", `'${name}'`);
  const other = records.list().find((e) => e.id !== exceptId && sshNameOf(e.metadata?.name ?? "") === sshNameOf(name));
  if (other !== undefined) throw new BerthError("name-taken", `there is an environment '${other.metadata?.name}' already`);
  return name;
}

/** Two names that ssh cannot tell apart, such as "My app" and "my-app", are one. */
function sshNameOf(name: string): string {
  return sshAliasOf(name, "");
}

function freeName(records: EnvironmentRecords, suggested: string): string {
  const base =
    suggested
      .replaceAll(/[^A-Za-z0-9 ._-]+/g, "-")
      .replace(/^[^A-Za-z0-9]+/, "")
      .slice(0, 70) || "environment";
  const taken = new Set(records.list().map((e) => sshNameOf(e.metadata?.name ?? "")));
  for (let n = 1; n < maxNameTries; n++) {
    const name = n === 1 ? base : `${base}-${n}`;
    if (!taken.has(sshNameOf(name))) return name;
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
  if (draft.metadata !== undefined) draft.metadata.lastStartedAt = records.timestamp();
}
