import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import type { DescMethod } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { type OrganizationRole, organizationRoles, type Principal, type TokenLimits, tokenScopes } from "../../contract/principal.ts";
import { decide, type Decision, type ResourceFacts, type Target, visibilityOf } from "./policy.ts";
import type { Grants, Row } from "./row.ts";
import { authorizationTable, authorizedServices } from "./table.ts";

const organizationId = "0000aaaa-0000-7000-8000-000000000001";
const otherOrganizationId = "0000aaaa-0000-7000-8000-000000000002";
const callerId = "0000bbbb-0000-7000-8000-000000000001";
const accountId = "0000cccc-0000-7000-8000-000000000001";
const resourceId = "0000eeee-0000-7000-8000-000000000001";
const strangerId = "0000bbbb-0000-7000-8000-000000000002";

function user(roles: readonly OrganizationRole[] = [], token?: TokenLimits): Principal {
  return { kind: "user", id: callerId, accountId, organizationId, organizationRoles: new Set(roles), token };
}

function serviceAccount(roles: readonly OrganizationRole[] = [], token?: TokenLimits): Principal {
  return { kind: "serviceAccount", id: callerId, organizationId, organizationRoles: new Set(roles), token };
}

const principals: Readonly<Record<string, Principal | undefined>> = {
  anonymous: undefined,
  account: { kind: "account", id: accountId },
  member: user(),
  "service account": serviceAccount(),
  ...Object.fromEntries(organizationRoles.map((role) => [role, user([role])])),
  "admin, reads only": user(["admin"], { readOnly: true, scopes: undefined }),
  runner: { kind: "runner", id: callerId, organizationId },
  environment: { kind: "environment", id: callerId, organizationId },
};

const mine: ResourceFacts["owners"] = [
  { kind: "user", id: callerId },
  { kind: "account", id: accountId },
  { kind: "serviceAccount", id: callerId },
  { kind: "runner", id: callerId },
  { kind: "environment", id: callerId },
];
const theirs: ResourceFacts["owners"] = [{ kind: "user", id: strangerId }];

/** What somebody can be to a resource. */
const standings: Readonly<Record<string, ResourceFacts | undefined>> = {
  own: { organizationId, owners: mine },
  "shared as admin": { organizationId, owners: theirs, shared: "admin" },
  "shared as editor": { organizationId, owners: theirs, shared: "editor" },
  "shared as user": { organizationId, owners: theirs, shared: "user" },
  "shared as viewer": { organizationId, owners: theirs, shared: "viewer" },
  "same organization": { organizationId, owners: theirs },
  "other organization": { organizationId: otherOrganizationId, owners: theirs },
  unknown: undefined,
};

/** Every target of a method in one standing. */
function targetsOf(row: Row, facts: ResourceFacts | undefined): Target[] {
  return row.targets.map(({ kind, grants, hidden }) => ({
    kind: kind === "byType" ? "environment" : kind,
    id: resourceId,
    facts,
    ...(grants === undefined ? {} : { grants }),
    ...(hidden === undefined ? {} : { hidden }),
  }));
}

const marks = { unauthenticated: "?", permission_denied: "-", not_found: "0" } as const;
const mark = (decision: Decision): string => (decision.allowed ? "+" : marks[decision.code]);
const methods = [...authorizationTable].map(([method, row]) => ({ method, row }));

function cellsOf(method: string, row: Row, principal: Principal | undefined): string {
  const columns = row.targets.length === 0 ? [undefined] : Object.values(standings);
  return columns.map((facts) => mark(decide(principal, method, targetsOf(row, facts)))).join("");
}

test("every cell of principal, method and ownership is as it was reviewed", async () => {
  const names = Object.keys(principals);
  const lines = methods.map(({ method, row }) => {
    const cells = names.map((name) => cellsOf(method, row, principals[name]).padEnd(8));
    return `${method.padEnd(78)} ${cells.join(" ")}`.trimEnd();
  });
  const head = [
    "Who may call what: a line for each method, a column for each principal, and in it a mark for each ownership:",
    `${Object.keys(standings).join(", ")}; one mark alone where a method names no resource.`,
    "+ allowed   - permission_denied   0 not_found   ? unauthenticated",
    "Columns: " + names.join(", "),
    "",
  ];
  const cells = lines.join("").replaceAll(/[^-+0?]/g, "").length;
  expect(cells).toBeGreaterThan(10_000);
  await expect([...head, ...lines, ""].join("\n")).toMatchFileSnapshot("cells.txt");
});

const everyMethod: readonly DescMethod[] = authorizedServices.flatMap((service) => service.methods);
const nameOf = (method: DescMethod): string => `${method.parent.typeName}/${method.name}`;

test("a method that was forgotten is nobody's", () => {
  const decision = decide(user(["admin"]), "gitpod.v1.EnvironmentService/Forgotten", []);
  expect(decision).toMatchObject({ allowed: false, code: "permission_denied" });
});

test("what is in another organization and what does not exist are the same to everybody, for every method", () => {
  for (const { method, row } of methods)
    for (const [name, principal] of Object.entries(principals)) {
      const foreign = decide(principal, method, targetsOf(row, standings["other organization"]));
      const unknown = decide(principal, method, targetsOf(row, undefined));
      expect(foreign, `${name} ${method}`).toEqual(unknown);
      if (row.targets.length > 0) expect(foreign.allowed, `${name} ${method}`).toBe(false);
    }
});

test("one target that is not known makes the answer not_found, whatever the others are", () => {
  const known: Target = { kind: "runner", id: resourceId, facts: standings["same organization"] };
  const answers = [undefined, standings["other organization"]].flatMap((facts) => {
    const missing: Target = { kind: "group", id: resourceId, facts };
    return [
      [known, missing],
      [missing, known],
    ].map((targets) => decide(user(), "gitpod.v1.RunnerService/CreateRunnerPolicy", targets));
  });
  for (const answer of answers)
    expect(answer).toEqual({ allowed: false, code: "not_found", reason: `there is no group ${resourceId}`, missing: "group" });
});

test("only signing in needs no credential", () => {
  const open = methods
    .filter(({ method, row }) => decide(undefined, method, targetsOf(row, undefined)).allowed)
    .map(({ method }) => method);
  expect(open).toEqual([
    "gitpod.v1.AccountService/GetSSOLoginURL",
    "gitpod.v1.AccountService/ListSSOLogins",
    "gitpod.v1.AccountService/ListLoginProviders",
    "gitpod.v1.IdentityService/ExchangeToken",
  ]);
});

test("the value of a secret goes to the environment that has it in its spec, and to nobody else", () => {
  const method = "gitpod.v1.SecretService/GetSecretValue";
  const readers = Object.entries(principals).flatMap(([name, principal]) =>
    Object.entries(standings).flatMap(([standing, facts]) =>
      decide(principal, method, [{ kind: "secret", id: resourceId, facts }]).allowed ? [`${name}: ${standing}`] : [],
    ),
  );
  expect(readers).toEqual(["environment: own"]);
});

test("a runner may do what the runner protocol says, as itself, and little besides", () => {
  const runner = principals["runner"];
  const allowed = methods.filter(({ method, row }) => decide(runner, method, targetsOf(row, standings["own"])).allowed);
  const besides = allowed.map(({ method }) => method).filter((method) => !method.startsWith("gitpod.v1.RunnerInteractionService/"));
  expect(besides).toEqual([
    "gitpod.v1.AccountService/GetSSOLoginURL",
    "gitpod.v1.AccountService/ListSSOLogins",
    "gitpod.v1.AccountService/ListLoginProviders",
    "gitpod.v1.IdentityService/GetIDToken",
    "gitpod.v1.IdentityService/GetAuthenticatedIdentity",
    "gitpod.v1.IdentityService/ExchangeToken",
    "gitpod.v1.OrganizationService/GetOrganization",
    "gitpod.v1.OrganizationService/GetOrganizationPolicies",
    "gitpod.v1.RunnerConfigurationService/CreateHostAuthenticationToken",
    "gitpod.v1.RunnerConfigurationService/UpdateHostAuthenticationToken",
    "gitpod.v1.GatewayService/ListGateways",
    "berth.v1.TunnelService/Meet",
  ]);
  for (const { method, row } of methods.filter((m) => m.method.startsWith("gitpod.v1.RunnerInteractionService/"))) {
    expect(decide(user(["admin"]), method, targetsOf(row, standings["own"])).allowed, `an administrator, ${method}`).toBe(false);
    if (row.targets.length > 0) expect(decide(runner, method, targetsOf(row, standings["same organization"])).allowed, method).toBe(false);
  }
});

test("nobody but people who were let in, and the environment itself, gets into an environment", () => {
  const inside = methods.filter(
    ({ method }) => method.startsWith("supervisor.v1.") || /Exec$|DialSsh|CreateEnvironmentAccessToken/.test(method),
  );
  expect(inside.length).toBeGreaterThan(20);
  for (const { method, row } of inside.filter(({ row: { targets } }) => targets[0]?.kind === "environment")) {
    expect(decide(user(["admin", "environmentsReader"]), method, targetsOf(row, standings["same organization"])).allowed, method).toBe(
      false,
    );
    expect(decide(user(), method, targetsOf(row, standings["own"])).allowed, method).toBe(true);
    expect(decide(user(), method, targetsOf(row, standings["shared as viewer"])).allowed, method).toBe(false);
  }
});

test("a token that only reads changes nothing, whatever its owner may", () => {
  const reader = user([...organizationRoles], { readOnly: true, scopes: undefined });
  for (const { method, row } of methods) {
    const may = decide(reader, method, targetsOf(row, standings["own"])).allowed;
    if (may) expect(row.effect, method).toBe("read");
  }
});

test("a token with scopes does what is in them and makes no credential", () => {
  for (const scope of tokenScopes) {
    const limited = user(["admin"], { readOnly: false, scopes: new Set([scope]) });
    for (const { method, row } of methods) {
      const unlimited = decide(user(["admin"]), method, targetsOf(row, standings["own"])).allowed;
      const expected = unlimited && row.scope === scope && row.mintsCredential !== true;
      expect(decide(limited, method, targetsOf(row, standings["own"])).allowed, `${scope} ${method}`).toBe(expected);
    }
  }
});

test("an administrator does not touch what is a person's own", () => {
  const personal: ResourceFacts = { organizationId, owners: theirs, guard: "personal" };
  for (const method of ["UpdateSecretValue", "DeleteSecret"])
    expect(
      decide(user(["admin"]), `gitpod.v1.SecretService/${method}`, [{ kind: "secret", id: resourceId, facts: personal }]).allowed,
    ).toBe(false);
});

test("who keeps groups does not make itself an administrator through one", () => {
  const privileged: ResourceFacts = { organizationId, owners: [], guard: "privileged" };
  const member: Target = { kind: "principal", id: callerId, facts: standings["own"], grants: { user: "any" } };
  const join = (principal: Principal) =>
    decide(principal, "gitpod.v1.GroupService/CreateMembership", [{ kind: "group", id: resourceId, facts: privileged }, member]).allowed;
  expect(join(user(["groupsAdmin"]))).toBe(false);
  expect(join(user(["admin"]))).toBe(true);
});

test("lists show what a principal could read one by one", () => {
  const environments = "gitpod.v1.EnvironmentService/GetEnvironment";
  expect(visibilityOf(user(), environments)).toBe("ownAndShared");
  expect(visibilityOf(user(["environmentsReader"]), environments)).toBe("all");
  expect(visibilityOf({ kind: "environment", id: callerId, organizationId }, environments)).toBe("own");
  expect(visibilityOf({ kind: "runner", id: callerId, organizationId }, environments)).toBe("none");
  const otherScope = user(["admin"], { readOnly: true, scopes: new Set(["usage"]) });
  expect(visibilityOf(otherScope, environments)).toBe("none");
});

/** They change nothing, though the API does not mark them so. */
const unmarkedReads = [
  "gitpod.v1.OrganizationService/GetAnnouncementBanner",
  "gitpod.v1.EventService/WatchEvents",
  "gitpod.v1.EditorService/ResolveEditorURL",
  "gitpod.v1.RunnerService/ParseContextURL",
  "gitpod.v1.RunnerService/SearchRepositories",
  "gitpod.v1.RunnerService/ListSCMOrganizations",
  "gitpod.v1.RunnerService/CheckAuthenticationForHost",
  "gitpod.v1.RunnerService/CheckRepositoryAccess",
  "gitpod.v1.RunnerConfigurationService/ValidateRunnerConfiguration",
  "gitpod.v1.RunnerInteractionService/WatchRequests",
  "berth.v1.WorkspaceService/Watch",
  "berth.v1.WorkspaceService/WatchLog",
  "berth.v1.WorkspaceService/GetSshConfig",
  "berth.v1.WorkspaceService/RefreshGitState",
];

test("what counts as reading is what the API says has no side effects, or was looked at", () => {
  const marked = new Set(everyMethod.filter((m) => m.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS).map(nameOf));
  const unexpected = methods.filter(
    ({ method, row }) => row.effect === "read" && !marked.has(method) && !method.startsWith("supervisor.v1."),
  );
  expect(unexpected.map(({ method }) => method).toSorted()).toEqual(unmarkedReads.toSorted());
});

test("where a method names no resource, nobody needs to own one", () => {
  const allows = (grants: Grants) => Object.values(grants).every((level) => level === "any");
  for (const { method, row } of methods.filter(({ row: { targets } }) => targets.length === 0))
    expect(allows(row.grants) || method.endsWith("/ListEnvironments"), method).toBe(true);
});
