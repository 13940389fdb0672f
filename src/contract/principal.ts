/** Roles that count for a whole organization; a group gives them to its members (gitpod.v1.ResourceRole `ORG_*`). */
export const organizationRoles = [
  "admin",
  "runnersAdmin",
  "projectsAdmin",
  "automationsAdmin",
  "groupsAdmin",
  "securityAdmin",
  "environmentsReader",
  "auditLogReader",
  "billingViewer",
  "insightsViewer",
] as const;

export type OrganizationRole = (typeof organizationRoles)[number];

/** What a personal access token or a service account's token may be limited to. */
export const tokenScopes = [
  "account",
  "organization",
  "environments",
  "projects",
  "runners",
  "secrets",
  "tokens",
  "audit",
  "usage",
] as const;

export type TokenScope = (typeof tokenScopes)[number];

/** The limits of the token that a call came with; a sign-in session has none. */
export interface TokenLimits {
  readonly readOnly: boolean;
  /** Undefined: all. */
  readonly scopes: ReadonlySet<TokenScope> | undefined;
}

/** A login, across organizations. */
export interface AccountPrincipal {
  readonly kind: "account";
  /** A UUID, as all ids here. */
  readonly id: string;
}

/** An account in one organization. */
export interface UserPrincipal {
  readonly kind: "user";
  readonly id: string;
  readonly accountId: string;
  readonly organizationId: string;
  /** Its own and those of its groups; every user is a member besides. */
  readonly organizationRoles: ReadonlySet<OrganizationRole>;
  readonly token: TokenLimits | undefined;
}

export interface ServiceAccountPrincipal {
  readonly kind: "serviceAccount";
  readonly id: string;
  readonly organizationId: string;
  readonly organizationRoles: ReadonlySet<OrganizationRole>;
  readonly token: TokenLimits | undefined;
}

export interface RunnerPrincipal {
  readonly kind: "runner";
  readonly id: string;
  readonly organizationId: string;
}

/** What a running environment is to the plane. */
export interface EnvironmentPrincipal {
  readonly kind: "environment";
  readonly id: string;
  readonly organizationId: string;
}

/** Who calls. */
export type Principal = AccountPrincipal | UserPrincipal | ServiceAccountPrincipal | RunnerPrincipal | EnvironmentPrincipal;

export type PrincipalKind = Principal["kind"];
