import type { OrganizationRole, Principal, PrincipalKind, TokenLimits } from "../../contract/principal.ts";
import { type Actor, type Grants, type Level, type ResourceKind, type Row, type ShareLevel, shareLevels } from "./row.ts";
import { authorizationTable } from "./table.ts";

/** Somebody a resource belongs to: who made an environment, the environment itself, and the runner it is on, for one. */
export interface Owner {
  readonly kind: PrincipalKind;
  readonly id: string;
}

/** What the policy has to know of a resource. */
export interface ResourceFacts {
  /** Undefined for accounts, which are in no organization. */
  readonly organizationId: string | undefined;
  readonly owners: readonly Owner[];
  /** The most that was shared with who calls, directly or through groups. */
  readonly shared?: ShareLevel;
  /**
   * `personal`: organization-wide roles do not count, e.g. for a person's own secrets; for others it is not there.
   * `hidden`: for who may not call the method it is not there, e.g. a person's token, which an administrator may end.
   * `privileged`: of them only `admin` counts, e.g. for a group that has organization-wide roles itself.
   */
  readonly guard?: "personal" | "hidden" | "privileged";
}

/** A resource that a request names, and what is known of it; undefined: there is none of this id. */
export interface Target {
  readonly kind: ResourceKind;
  /** As the request has it; undefined when it names none though it has to. */
  readonly id: string | undefined;
  readonly facts: ResourceFacts | undefined;
  /** Of the field it was named in, where they are not the row's. */
  readonly grants?: Grants;
  /** Who may not use it gets the answer for one that is not there. */
  readonly hidden?: true;
}

export type DenialCode = "unauthenticated" | "permission_denied" | "not_found";

export type Decision =
  | { readonly allowed: true }
  | {
      readonly allowed: false;
      readonly code: DenialCode;
      /** For people; tells nothing of what the caller may not know. */
      readonly reason: string;
      /** Of what was not found. */
      readonly missing?: ResourceKind;
    };

const allow: Decision = { allowed: true };

function deny(code: DenialCode, reason: string): Decision {
  return { allowed: false, code, reason };
}

/**
 * Whether a principal may call a method, before its targets are known; undefined when that depends on them.
 * @param principal Undefined for a caller without a credential.
 * @param method `package.Service/Method`.
 */
export function decideEarly(principal: Principal | undefined, method: string): Decision | undefined {
  const row = authorizationTable.get(method);
  if (row === undefined) return deny("permission_denied", `nobody may call ${method}`);
  if (levelsOf(principal, row.grants).length === 0)
    return principal === undefined
      ? deny("unauthenticated", "this needs a sign-in or a token")
      : deny("permission_denied", `a ${words[principal.kind]} without a role for it may not call ${method}`);
  const limits = principal === undefined || !("token" in principal) ? undefined : principal.token;
  return limits === undefined ? undefined : decideByToken(row, method, limits);
}

/**
 * The whole policy: whether a principal may call a method on what the request names. Pure. What is in another
 * organization and what does not exist get one and the same answer.
 * @param targets What the request names, as `requestTargets` finds it; none for a method that is about no resource.
 */
export function decide(principal: Principal | undefined, method: string, targets: readonly Target[]): Decision {
  const early = decideEarly(principal, method);
  if (early !== undefined) return early;
  const row = authorizationTable.get(method);
  // Nothing is decided by where the first refusal stands: what is not known to the caller comes before what it may not do.
  const decisions = targets.map((one) => decideTarget(principal, one, one.grants ?? row?.grants ?? {}));
  return decisions.find(isNotFound) ?? decisions.find((decision) => !decision.allowed) ?? allow;
}

/** Which resources of a kind a list may show: those for which the method that reads one of them is allowed. */
export type Visibility = "all" | "ownAndShared" | "own" | "none";

/**
 * What a list shows a principal: `all` of its organization, what is its `own`, or what was `shared` with it besides.
 * @param method The method that reads one, e.g. `gitpod.v1.EnvironmentService/GetEnvironment`.
 */
export function visibilityOf(principal: Principal, method: string): Visibility {
  if (decideEarly(principal, method) !== undefined) return "none";
  const levels = levelsOf(principal, authorizationTable.get(method)?.grants ?? {});
  if (levels.includes("any")) return "all";
  return levels.some((level) => level !== "own") ? "ownAndShared" : "own";
}

function isNotFound(decision: Decision): boolean {
  return !decision.allowed && decision.code === "not_found";
}

function decideByToken(row: Row, method: string, { readOnly, scopes }: TokenLimits): Decision | undefined {
  if (readOnly && row.effect !== "read") return deny("permission_denied", `the token may only read, and ${method} changes something`);
  if (scopes !== undefined && !scopes.has(row.scope)) return deny("permission_denied", `the token has not the scope '${row.scope}'`);
  if (scopes !== undefined && row.mintsCredential === true)
    return deny("permission_denied", `a token with limits may not make a credential without them, as ${method} does`);
  return undefined;
}

function decideTarget(principal: Principal | undefined, { kind, id, facts, hidden }: Target, grants: Grants): Decision {
  const missing: Decision = {
    allowed: false,
    code: "not_found",
    reason: id === undefined ? `it names no ${words[kind]}` : `there is no ${words[kind]} ${id}`,
    missing: kind,
  };
  if (facts === undefined || principal === undefined || !isWithinReach(principal, facts)) return missing;
  const levels = levelsOf(principal, grants, facts.guard);
  const mayCall = levels.some((level) => reaches(principal, facts, level));
  if (!mayCall && (hidden === true || facts.guard === "personal" || facts.guard === "hidden")) return missing;
  return mayCall ? allow : deny("permission_denied", `this ${words[kind]} is not yours, and was not shared with you so far`);
}

function isWithinReach(principal: Principal, facts: ResourceFacts): boolean {
  if (isOwner(principal, facts)) return true;
  return principal.kind !== "account" && facts.organizationId === principal.organizationId;
}

function isOwner(principal: Principal, { owners }: ResourceFacts): boolean {
  return owners.some(
    ({ kind, id }) =>
      (kind === principal.kind && id === principal.id) || (kind === "account" && principal.kind === "user" && id === principal.accountId),
  );
}

function reaches(principal: Principal, facts: ResourceFacts, level: Level): boolean {
  if (level === "any" || isOwner(principal, facts)) return true;
  if (level === "own" || facts.shared === undefined) return false;
  return shareLevels.indexOf(facts.shared) >= shareLevels.indexOf(level);
}

/** What the columns that count for a principal ask for; any one of them is enough. */
function levelsOf(principal: Principal | undefined, grants: Grants, guard?: ResourceFacts["guard"]): Level[] {
  const columns: Actor[] = principal === undefined ? ["anonymous"] : ["anonymous", principal.kind];
  if (principal !== undefined && "organizationRoles" in principal)
    columns.push(...[...principal.organizationRoles].filter((role) => counts(role, guard)));
  return columns.flatMap((column) => grants[column] ?? []);
}

function counts(role: OrganizationRole, guard: ResourceFacts["guard"]): boolean {
  if (guard === "personal") return false;
  return guard === "privileged" ? role === "admin" : true;
}

const words: Readonly<Record<ResourceKind | PrincipalKind, string>> = {
  account: "account",
  organization: "organization",
  user: "user",
  principal: "user or service account",
  personalAccessToken: "personal access token",
  preference: "preference",
  group: "group",
  groupMembership: "membership",
  roleAssignment: "role assignment",
  serviceAccount: "service account",
  serviceAccountToken: "token of a service account",
  ssoConfiguration: "sign-in configuration",
  scimConfiguration: "SCIM configuration",
  domainVerification: "domain verification",
  environment: "environment",
  environmentService: "service",
  environmentTask: "task",
  taskExecution: "task execution",
  project: "project",
  prebuild: "prebuild",
  warmPool: "warm pool",
  runner: "runner",
  environmentClass: "environment class",
  scmIntegration: "source-control integration",
  llmIntegration: "model integration",
  hostAuthenticationToken: "token for a host",
  secret: "secret",
  auditLogEntry: "entry of the audit log",
};
