import { create } from "@bufbuild/protobuf";
import { durationMs, EmptySchema, timestampDate, timestampFromMs, type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { parseContextUrl } from "../../contract/context-url.ts";
import {
  AdmissionLevel,
  type Environment,
  EnvironmentPhase,
  type EnvironmentSpec_EnvironmentPort,
  type UpdateEnvironmentRequest,
} from "../../contract/gen/gitpod/v1/environment_pb.js";
import type { OrganizationPolicies } from "../../contract/gen/gitpod/v1/organization_pb.js";
import type { Project } from "../../contract/gen/gitpod/v1/project_pb.js";
import { RunnerKind } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { sourceOfInitializer } from "../environment-source.ts";
import type { Fleet } from "../fleet.ts";
import type { RequestScope } from "../request-scope.ts";
import { environmentKind, environmentQuotaKind } from "../store/kinds.ts";
import type { Reader, Transaction } from "../store/store.ts";
import { mayAdministerProjects, refuseByPolicy } from "./organization-policies.ts";

/** Members whose organization wants it make environments of projects alone, and of nothing but the project's repository. */
export function checkSource(
  policies: OrganizationPolicies,
  scope: RequestScope,
  { source, project }: { readonly source: string; readonly project: Project | undefined },
): void {
  if (!policies.membersRequireProjects || mayAdministerProjects(scope)) return;
  if (project === undefined) refuseByPolicy("members_require_projects", "environments are made of projects");
  const ofProject = sourceOfInitializer(project.initializer);
  if (ofProject === source) return;
  if (ofProject === "" || repositoryOf(ofProject) !== repositoryOf(source))
    refuseByPolicy("members_require_projects", "an environment of a project is one of its repository");
}

/** Of an address, whichever branch or page of the repository it names. */
function repositoryOf(address: string): string {
  return parseContextUrl(address).cloneUrl.replace(/(?:\.git)?\/*$/, "");
}

/** Environments are not made on runners of people's own computers where the organization does not want those. */
export async function checkRunnerKind(policies: OrganizationPolicies, fleet: Fleet, runnerId: string): Promise<void> {
  if (policies.allowLocalRunners) return;
  const runner = (await fleet.runners(policies.organizationId)).find((one) => one.runnerId === runnerId);
  if (runner?.kind === RunnerKind.LOCAL) refuseByPolicy("allow_local_runners", `'${runner.name}' is somebody's own computer`);
}

export function checkPortSharing(policies: OrganizationPolicies, ports: readonly EnvironmentSpec_EnvironmentPort[]): void {
  if (!policies.portSharingDisabled) return;
  const { UNSPECIFIED, CREATOR_ONLY, OWNER_ONLY } = AdmissionLevel;
  const shared = ports.find(({ admission }) => ![UNSPECIFIED, CREATOR_ONLY, OWNER_ONLY].includes(admission));
  if (shared !== undefined) refuseByPolicy("port_sharing_disabled", `port ${shared.port} is for its creator alone`);
}

/** When an environment that was made at a time may not be started any more; undefined: whenever. */
export function lockdownOf({ maximumEnvironmentLifetime }: OrganizationPolicies, createdAtMs: number): Timestamp | undefined {
  const lifetimeMs = maximumEnvironmentLifetime === undefined ? 0 : durationMs(maximumEnvironmentLifetime);
  return lifetimeMs === 0 ? undefined : timestampFromMs(createdAtMs + lifetimeMs);
}

/** What a change of an environment may not undo of what held when it was made. */
export function checkUpdate(
  policies: OrganizationPolicies,
  scope: RequestScope,
  { environment, request }: { readonly environment: Environment; readonly request: UpdateEnvironmentRequest },
): void {
  const { metadata, spec } = request;
  checkPortSharing(policies, spec?.ports ?? []);
  if (spec?.content?.initializer !== undefined && policies.membersRequireProjects && !mayAdministerProjects(scope))
    refuseByPolicy("members_require_projects", "an environment keeps the repository of its project");
  const { createdAt } = environment.metadata ?? {};
  const latest = createdAt === undefined ? undefined : lockdownOf(policies, timestampMs(createdAt));
  if (metadata?.lockdownAt !== undefined && latest !== undefined && timestampMs(metadata.lockdownAt) > timestampMs(latest))
    refuseByPolicy("maximum_environment_lifetime", `it may run until ${timestampDate(latest).toISOString()}`);
}

/**
 * How many environments somebody may have, and have running. To be asked in the transaction that makes or starts one: each
 * writes the person's quota, so that of two at once the second sees the first.
 */
export async function keepLimits(
  { tx, reader }: { readonly tx: Transaction; readonly reader: Reader },
  policies: OrganizationPolicies,
  { environment, isNew }: { readonly environment: Environment; readonly isNew: boolean },
): Promise<void> {
  const { maximumEnvironmentsPerUser: most, maximumRunningEnvironmentsPerUser: mostRunning } = policies;
  const starts = !isNew || environment.spec?.desiredPhase === EnvironmentPhase.RUNNING;
  const creatorId = environment.metadata?.creator?.id ?? "";
  if (!(isNew && most > 0n) && !(starts && mostRunning > 0n)) return;
  const quota = await tx.get(environmentQuotaKind, creatorId);
  if (quota === undefined) tx.insert(environmentQuotaKind, creatorId, create(EmptySchema));
  else tx.update(environmentQuotaKind, quota, quota.message);
  const phases = (await reader.all(environmentKind, { where: { creatorIds: [creatorId] } }))
    .filter(({ id }) => id !== environment.id)
    .map(({ message }) => message.spec?.desiredPhase);
  const there = phases.filter((phase) => phase !== EnvironmentPhase.DELETED).length;
  if (isNew && most > 0n && there >= most) refuseByPolicy("maximum_environments_per_user", `${most}; delete another one first`);
  const running = phases.filter((phase) => phase === EnvironmentPhase.RUNNING).length;
  if (starts && mostRunning > 0n && running >= mostRunning)
    refuseByPolicy("maximum_running_environments_per_user", `${mostRunning}; stop another one first`);
}
