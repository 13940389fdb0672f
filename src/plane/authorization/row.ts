import type { DescService } from "@bufbuild/protobuf";
import type { OrganizationRole, TokenScope } from "../../contract/principal.ts";

/** What a method's targets can be. */
export const resourceKinds = [
  "account",
  "organization",
  "user",
  /** A user or a service account. */
  "principal",
  "personalAccessToken",
  "preference",
  "group",
  "groupMembership",
  "roleAssignment",
  "serviceAccount",
  "serviceAccountToken",
  "ssoConfiguration",
  "scimConfiguration",
  "domainVerification",
  "environment",
  "environmentService",
  "environmentTask",
  "taskExecution",
  "project",
  "prebuild",
  "warmPool",
  "runner",
  "environmentClass",
  "scmIntegration",
  "llmIntegration",
  "hostAuthenticationToken",
  "secret",
  "auditLogEntry",
] as const;

export type ResourceKind = (typeof resourceKinds)[number];

/** How much of a resource was shared with somebody, directly or through a group; each includes those before it. */
export const shareLevels = ["viewer", "user", "editor", "admin"] as const;

export type ShareLevel = (typeof shareLevels)[number];

/**
 * What somebody has to be to a resource: `any` in its organization, at least one it was shared with so far (owners
 * count as such), or its owner.
 */
export type Level = "any" | ShareLevel | "own";

/** The columns of the table. A user or service account has the column of each organization-wide role it has besides. */
export const actors = ["anonymous", "account", "user", "serviceAccount", "runner", "environment"] as const;

export type Actor = (typeof actors)[number] | OrganizationRole;

/** Who may, and from which level on. Nobody else may. */
export type Grants = Readonly<Partial<Record<Actor, Level>>>;

/** Where a request names a resource. */
export interface TargetField {
  readonly kind: ResourceKind | "byType";
  /** The field's name in the request, with dots; `endpoint` is the environment whose address was called. */
  readonly path: string;
  /** A request that names none is about no resource. */
  readonly optional?: true;
  /** For a resource that is only referred to: who may, where it is not who may call the method. */
  readonly grants?: Grants;
  /** Who may not use it gets the answer for one that is not there. */
  readonly hidden?: true;
}

export interface Row {
  /** Tokens that only read may call `read` alone. */
  readonly effect: "read" | "write";
  readonly scope: TokenScope;
  readonly targets: readonly TargetField[];
  readonly grants: Grants;
  /** Gives out a credential that lasts, so tokens with limits may not: it would have none of them. */
  readonly mintsCredential?: true;
}

/** One row for each method of a service; one too few or too many does not compile. */
export type Rows<Service extends DescService> = { readonly [Method in keyof Service["method"]]: Row };

export function rowsOf<Service extends DescService>(service: Service, rows: Rows<Service>): ServiceRows {
  return {
    service,
    rows: new Map(
      service.methods.map((method): [string, Row] => {
        const row: Row | undefined = Object.entries<Row>(rows).find(([name]) => name === method.localName)?.[1];
        if (row === undefined) throw new Error(`${service.typeName}/${method.name} has no row of authorization`);
        return [`${service.typeName}/${method.name}`, row];
      }),
    ),
  };
}

export interface ServiceRows {
  readonly service: DescService;
  /** By `package.Service/Method`. */
  readonly rows: ReadonlyMap<string, Row>;
}

export function read(scope: TokenScope, targets: readonly TargetField[], grants: Grants): Row {
  return { effect: "read", scope, targets, grants };
}

export function write(scope: TokenScope, targets: readonly TargetField[], grants: Grants): Row {
  return { effect: "write", scope, targets, grants };
}

/** The same row for a method that gives out a credential that lasts. */
export function minting(row: Row): Row {
  return { ...row, mintsCredential: true };
}

export function target(kind: TargetField["kind"], path: string): readonly [TargetField] {
  return [{ kind, path }];
}

export function optionalTarget(kind: TargetField["kind"], path: string): readonly [TargetField] {
  return [{ kind, path, optional: true }];
}

/** A resource that what is made will use: it has to be the caller's to use. */
export function used(kind: ResourceKind, path: string, options: { readonly optional?: true } = {}): TargetField {
  return { kind, path, ...options, grants: mayUse };
}

/** A class that what is made will have: one of a runner that is not the caller's to use is not there for them. */
export function usedClass(path: string): TargetField {
  return { ...used("environmentClass", path, { optional: true }), hidden: true };
}

/** A resource of the caller's organization that is only named. */
export function named(kind: ResourceKind, path: string, options: { readonly optional?: true } = {}): TargetField {
  return { kind, path, ...options, grants: everybody };
}

export const noTarget: readonly TargetField[] = [];

export const people: Grants = { user: "any", serviceAccount: "any" };
export const everybody: Grants = { ...people, admin: "any", runner: "any", environment: "any" };
export const nobody: Grants = {};
export const admins: Grants = { admin: "any" };
const mayUse: Grants = { user: "user", serviceAccount: "user", admin: "any", runner: "own", environment: "own" };
