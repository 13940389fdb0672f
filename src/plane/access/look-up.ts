import { fromBinary } from "@bufbuild/protobuf";
import { AccessTokenRecordSchema } from "../../contract/gen/berth/v1/records_pb.js";
import { EnvironmentSchema } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { ResourceType } from "../../contract/gen/gitpod/v1/event_pb.js";
import { type Secret, SecretSchema } from "../../contract/gen/gitpod/v1/secret_pb.js";
import type { Principal, PrincipalKind, RunnerPrincipal } from "../../contract/principal.ts";
import type { AuthorizerOptions, ResourceReference } from "../authorization/authorizer.ts";
import type { Owner, ResourceFacts } from "../authorization/policy.ts";
import { type ResourceKind, type ShareLevel, shareLevels } from "../authorization/row.ts";
import { secretsOf } from "../secrets.ts";
import { recordKinds } from "../store/access-kinds.ts";
import { runnerKind } from "../store/fleet-kinds.ts";
import { groupMembershipKind, roleAssignmentKind } from "../store/identity-kinds.ts";
import { environmentKind } from "../store/kinds.ts";
import { projectKind } from "../store/project-kinds.ts";
import type { AccessRow, Store } from "../store/store.ts";
import { organizationWideRoles } from "./principal-of.ts";
import { restrictingRoles, shareLevelOf } from "./share-levels.ts";

/** Facts for the policy from the store: within the principal's organization, one query a call. */
export function storeLookUp(store: Store): AuthorizerOptions["lookUp"] {
  return async (references, principal) => {
    if (principal.kind === "runner" && references.every((one) => one.kind === "environment" || isItself(one, principal)))
      return runnerFacts(store, references, principal);
    const organizationId = "organizationId" in principal ? principal.organizationId : "";
    const ids = [...new Set([...references.map(({ id }) => id), ...(principal.kind === "environment" ? [principal.id] : [])])];
    const rows = organizationId === "" ? [] : await store.inOrganization(organizationId).access(ids, principal.id);
    const known = new KnownRows(rows, organizationId, principal);
    return references.map((reference) => (reference.kind === "account" ? accountFacts(reference, principal) : known.factsOf(reference)));
  };
}

/**
 * What runners ask about all the time: themselves, for which nothing is read, and environments, which are shared with people
 * alone, so that no more is read than the environments.
 */
async function runnerFacts(
  store: Store,
  references: readonly ResourceReference[],
  runner: RunnerPrincipal,
): Promise<readonly (ResourceFacts | undefined)[]> {
  const { organizationId } = runner;
  const view = store.inOrganization(organizationId);
  return Promise.all(
    references.map(async (reference) => {
      if (isItself(reference, runner)) return { organizationId, owners: [runner] };
      const metadata = (await view.get(environmentKind, reference.id))?.message.metadata;
      if (metadata === undefined) return undefined;
      return { organizationId, owners: [...people(metadata.creator?.id ?? ""), ...owners(["runner"], metadata.runnerId)] };
    }),
  );
}

function isItself({ kind, id }: ResourceReference, principal: RunnerPrincipal): boolean {
  return kind === "runner" && id === principal.id;
}

/** An account is there for itself alone. */
function accountFacts({ id }: ResourceReference, principal: Principal): ResourceFacts | undefined {
  const own = principal.kind === "account" ? principal.id : principal.kind === "user" ? principal.accountId : "";
  return id === own ? { organizationId: undefined, owners: [{ kind: "account", id }] } : undefined;
}

/** People and programs: an id names one of them, so both are tried. */
function people(id: string): Owner[] {
  return id === "" ? [] : owners(["user", "serviceAccount"], id);
}

function owners(kinds: readonly PrincipalKind[], id: string): Owner[] {
  return id === "" ? [] : kinds.map((kind) => ({ kind, id }));
}

/** What a kind's facts are those of, by the column that names it; else they are its own. */
const belongsTo: Readonly<
  Partial<Record<ResourceKind, { readonly column: "runnerId" | "parentId" | "projectId"; readonly kind: string }>>
> = {
  environmentClass: { column: "runnerId", kind: runnerKind.name },
  scmIntegration: { column: "runnerId", kind: runnerKind.name },
  llmIntegration: { column: "runnerId", kind: runnerKind.name },
  groupMembership: { column: "parentId", kind: "group" },
  environmentService: { column: "parentId", kind: environmentKind.name },
  environmentTask: { column: "parentId", kind: environmentKind.name },
  taskExecution: { column: "parentId", kind: environmentKind.name },
};

/** What one query found. */
class KnownRows {
  readonly #rows: readonly AccessRow[];
  readonly #organizationId: string;
  readonly #principal: Principal;
  readonly #groups: ReadonlySet<string>;

  constructor(rows: readonly AccessRow[], organizationId: string, principal: Principal) {
    this.#rows = rows;
    this.#organizationId = organizationId;
    this.#principal = principal;
    this.#groups = new Set(
      rows.filter((row) => row.kind === groupMembershipKind.name && row.creatorId === principal.id).map(({ parentId }) => parentId),
    );
  }

  factsOf({ kind, id }: ResourceReference): ResourceFacts | undefined {
    const kinds = recordKinds[kind] ?? [];
    const row = this.#rows.find((one) => one.id === id && kinds.includes(one.kind));
    return row === undefined ? undefined : this.#facts(kind, row);
  }

  #facts(kind: ResourceKind, row: AccessRow): ResourceFacts | undefined {
    const parent = belongsTo[kind];
    if (parent !== undefined) return this.#ofParent(parent.kind, row[parent.column]);
    switch (kind) {
      case "secret":
        return this.#ofSecret(row);
      case "roleAssignment":
        return this.#ofAssignment(row);
      case "group":
        return this.#ofGroup(row.id);
      case "personalAccessToken":
      case "serviceAccountToken":
        return isTokenOf(kind, row) ? { ...this.#plain(people(row.parentId)), guard: "hidden" } : undefined;
      case "preference":
        return { ...this.#plain(people(row.parentId)), guard: "personal" };
      case "hostAuthenticationToken":
        return { ...this.#plain([...people(row.creatorId), ...owners(["runner"], row.runnerId)]), guard: "personal" };
      case "environment":
      case "project":
      case "runner":
        return this.#ofResource(row.kind, row.id, row);
      case "user":
      case "principal":
      case "serviceAccount":
        return this.#withShare({ ...this.#plain(people(row.id)) }, row.id);
      default:
        return this.#plain([]);
    }
  }

  #plain(of: readonly Owner[]): ResourceFacts {
    return { organizationId: this.#organizationId, owners: of };
  }

  /** Of what is not there any more, the organization's own. */
  #ofParent(kind: string, id: string): ResourceFacts {
    if (kind === "group") return this.#ofGroup(id);
    return this.#ofResource(
      kind,
      id,
      this.#rows.find((row) => row.kind === kind && row.id === id),
    );
  }

  #ofResource(kind: string, id: string, row: AccessRow | undefined): ResourceFacts {
    const itself: readonly Owner[] =
      kind === environmentKind.name
        ? [...owners(["environment"], id), ...owners(["runner"], row?.runnerId ?? "")]
        : kind === runnerKind.name
          ? owners(["runner"], id)
          : [];
    return this.#withShare(this.#plain([...people(row?.creatorId ?? ""), ...itself]), id, kind);
  }

  #withShare(facts: ResourceFacts, id: string, kind?: string): ResourceFacts {
    const given = this.#rows.filter((row) => row.kind === roleAssignmentKind.name && row.projectId === id);
    const isOpen =
      (kind === projectKind.name || kind === runnerKind.name) && !given.some(({ role }) => restrictingRoles.some((one) => one === role));
    const levels = given.filter(({ parentId }) => this.#groups.has(parentId)).flatMap(({ role }) => levelOf(role));
    const shared = [...levels, ...(isOpen ? (["user"] as const) : [])].toSorted(
      (a, b) => shareLevels.indexOf(b) - shareLevels.indexOf(a),
    )[0];
    return shared === undefined ? facts : { ...facts, shared };
  }

  #ofGroup(id: string): ResourceFacts {
    const isPrivileged = this.#rows.some(
      (row) =>
        row.kind === roleAssignmentKind.name &&
        row.parentId === id &&
        row.phase === ResourceType.ORGANIZATION &&
        [...organizationWideRoles.keys()].some((role) => role === row.role),
    );
    const facts = this.#withShare(this.#plain([]), id);
    return isPrivileged ? { ...facts, guard: "privileged" } : facts;
  }

  #ofAssignment(row: AccessRow): ResourceFacts {
    const about = this.#rows.find(({ id, kind }) => id === row.projectId && kind !== roleAssignmentKind.name);
    return about === undefined ? this.#plain([]) : this.#ofResource(about.kind, about.id, about);
  }

  #ofSecret(row: AccessRow): ResourceFacts {
    const secret = fromBinary(SecretSchema, row.data);
    if (this.#principal.kind === "environment") return this.#plain(this.#reachesIt(secret) ? [this.#principal] : []);
    const { scope } = secret.scope ?? {};
    switch (scope?.case) {
      case "projectId":
        return this.#ofParent(projectKind.name, scope.value);
      case "organizationId":
        // Everybody's environments may have it; administrators alone keep it.
        return { ...this.#plain([]), shared: "user", guard: "privileged" };
      case "serviceAccountId":
        return { ...this.#plain(owners(["serviceAccount"], scope.value)), guard: "privileged" };
      default:
        return { ...this.#plain(people(scope?.value ?? row.creatorId)), guard: "personal" };
    }
  }

  /** An environment owns the secrets that reach it: its creator's, its project's and its organization's. */
  #reachesIt(secret: Secret): boolean {
    const row = this.#rows.find(({ kind, id }) => kind === environmentKind.name && id === this.#principal.id);
    return row !== undefined && secretsOf(fromBinary(EnvironmentSchema, row.data), [secret]).length > 0;
  }
}

function isTokenOf(kind: "personalAccessToken" | "serviceAccountToken", { data }: AccessRow): boolean {
  return fromBinary(AccessTokenRecordSchema, data).token.case === (kind === "personalAccessToken" ? "personal" : "serviceAccount");
}

function levelOf(role: number): ShareLevel[] {
  const found = [...shareLevelOf].find(([one]) => one === role);
  return found === undefined ? [] : [found[1]];
}
