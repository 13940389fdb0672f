import type { DescMethod } from "@bufbuild/protobuf";
import { randomUUID } from "node:crypto";
import { z } from "zod";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Level, ResourceKind, Row } from "../../../src/plane/authorization/row.ts";
import { authorizationTable } from "../../../src/plane/authorization/table.ts";
import { auditKind } from "../../../src/plane/audit/audit-kind.ts";
import { environmentKind } from "../../../src/plane/store/kinds.ts";
import { projectKind } from "../../../src/plane/store/project-kinds.ts";
import type { Person } from "./people.ts";
import { postgresDatabases, sqliteDatabases } from "../store/databases.ts";
import { type Answer, AttackWorld, canary, type Ids, unaryMethods } from "./attack-world.ts";
import { filledRequest } from "./filled-request.ts";

const nameOf = (method: DescMethod): string => `${method.parent.typeName}/${method.name}`;
const rowOf = (method: DescMethod): Row => {
  const row = authorizationTable.get(nameOf(method));
  if (row === undefined) throw new Error(`${nameOf(method)} has no row`);
  return row;
};
const isForStrangers = (method: DescMethod): boolean => rowOf(method).grants.anonymous !== undefined;

/** Of requests that are not what the schema wants, though as good as can be told from it: their methods get no answer about access. */
const unfilled = ["invalid_argument"];
/** The methods that may be among those. */
const maxUnfilled = 12;

describe.each([sqliteDatabases(), postgresDatabases()])("attacks on $name", (databases) => {
  let world: AttackWorld;
  let built: readonly DescMethod[];

  beforeAll(async () => {
    await databases.start();
    world = await AttackWorld.start(databases);
    built = await world.builtMethods();
  }, 60_000);
  afterAll(async () => {
    await world.stop();
    await databases.stop();
  });

  async function send(who: Parameters<AttackWorld["call"]>[0], method: DescMethod, ids: Ids): Promise<Answer> {
    return world.call(who, method, JSON.stringify(filledRequest(method, { ids })));
  }

  /** How much somebody needs on what a request names first; undefined where the method is about no resource. */
  function needOf(method: DescMethod): { readonly kind: ResourceKind | "byType"; readonly level: Level | undefined } | undefined {
    const row = rowOf(method);
    const target = row.targets[0];
    return target === undefined ? undefined : { kind: target.kind, level: (target.grants ?? row.grants).user };
  }

  test("no method is for who has no credential, or one that is not good", async () => {
    expect(built.length).toBeGreaterThan(80);
    for (const method of unaryMethods.filter((one) => !isForStrangers(one)))
      for (const who of [undefined, "garbage", `berth_pat_${"A".repeat(43)}`]) {
        const { status, code, text } = await send(who, method, world.ids);
        expect({ status, code }, nameOf(method)).toEqual(
          code === "unimplemented" ? { status: 404, code } : { status: 401, code: "unauthenticated" },
        );
        expect(text).not.toContain(canary);
      }
  });

  test("the administrator of another organization gets nothing by ids, and learns of none", async () => {
    const unknown: Ids = Object.fromEntries(Object.keys(world.ids).map((kind) => [kind, randomUUID()]));
    const skipped: string[] = [];
    for (const method of built) {
      const [foreign, missing] = [await send(world.eve, method, world.ids), await send(world.eve, method, unknown)];
      expect(foreign.text, nameOf(method)).not.toContain(canary);
      expect(foreign.code, nameOf(method)).not.toMatch(/internal|unknown|http/);
      if (unfilled.includes(foreign.code)) skipped.push(nameOf(method));
      // What is another's and what is nobody's get one answer.
      if (rowOf(method).targets.length > 0) expect(foreign.code, nameOf(method)).toBe(missing.code);
      if (foreign.code !== "" && missing.code === foreign.code) expect(sentenceOf(foreign), nameOf(method)).toBe(sentenceOf(missing));
      if (rowOf(method).targets.some(({ optional }) => optional !== true) && !unfilled.includes(foreign.code))
        expect(["not_found", "permission_denied"], `${nameOf(method)}: ${foreign.text}`).toContain(foreign.code);
    }
    expect(skipped.length, skipped.join("\n")).toBeLessThanOrEqual(maxUnfilled);
  });

  test("a member does with a colleague's things no more than was shared with them", async () => {
    /** Every member may use these as long as nobody says who may. */
    const open: readonly (ResourceKind | "byType")[] = ["project", "runner", "environmentClass", "scmIntegration", "byType"];
    let refused = 0;
    for (const method of built) {
      const need = needOf(method);
      const row = rowOf(method);
      const { code, text } = await send(world.carol, method, world.ids);
      expect(code, nameOf(method)).not.toMatch(/internal|unknown|http/);
      if (unfilled.includes(code)) continue;
      const byRole = row.grants.user === undefined && row.grants.anonymous === undefined;
      const isBeyond =
        need !== undefined && need.level !== "any" && !(open.includes(need.kind) && (need.level === "viewer" || need.level === "user"));
      if (!byRole && !isBeyond) continue;
      refused++;
      expect(["permission_denied", "not_found"], `${nameOf(method)}: ${text}`).toContain(code);
    }
    expect(refused).toBeGreaterThan(40);
  });

  test("a token for reading changes nothing by any method", async () => {
    const before = await world.store.inOrganization(world.ada.organizationId).count(auditKind);
    for (const method of built.filter((one) => rowOf(one).effect === "write" && !isForStrangers(one)))
      expect((await send(world.tokens.readOnly, method, world.ids)).code, nameOf(method)).toBe("permission_denied");
    expect(await world.store.inOrganization(world.ada.organizationId).count(auditKind)).toBe(before);
  });

  test("an environment reaches itself and nothing beyond", async () => {
    const { environment } = world.ids;
    const other = world.carolsIds;
    for (const method of built.filter((one) => !isForStrangers(one))) {
      const level = rowOf(method).grants.environment;
      const { code, text } = await send(world.tokens.environment, method, level === "own" ? other : world.ids);
      if (level === undefined) expect(code, nameOf(method)).toBe("permission_denied");
      else if (level === "own" && !unfilled.includes(code) && !nameOf(method).endsWith("/ListEnvironments"))
        expect(["permission_denied", "not_found"], `${nameOf(method)}: ${text}`).toContain(code);
    }
    const method = (name: string): DescMethod => unaryMethods.find((one) => one.name === name) ?? unreachable();
    expect((await send(world.tokens.environment, method("GetEnvironment"), world.ids)).text).toContain(environment);
    const { text } = await world.call(world.tokens.environment, method("ListEnvironments"), "{}");
    expect(JSON.parse(text)).toMatchObject({ environments: [{ id: environment }] });
    // A colleague's secret does not reach it.
    expect((await send(world.tokens.environment, method("GetSecretValue"), other)).code).toMatch(/not_found|permission_denied/);
    expect((await send(world.tokens.environment, method("GetEnvironment"), other)).code).toBe("permission_denied");
  });

  test.each([
    { whose: "of another organization", who: () => world.tokens.foreignRunner, ids: () => world.ids },
    { whose: "of the same organization", who: () => world.tokens.runner, ids: () => world.carolsIds },
  ])("a runner $whose reaches nothing that is another's", async ({ whose, who, ids }) => {
    let refused = 0;
    for (const method of built.filter((one) => !isForStrangers(one))) {
      const { grants, targets } = rowOf(method);
      const { code, text } = await send(who(), method, ids());
      expect(code, nameOf(method)).not.toMatch(/internal|unknown|http/);
      const isForeign = whose === "of another organization";
      if (isForeign) expect(text, nameOf(method)).not.toContain(canary);
      if (grants.runner === undefined) expect(code, nameOf(method)).toBe("permission_denied");
      const namesAnothers = targets.some(({ optional }) => optional !== true) && (isForeign || grants.runner === "own");
      if (grants.runner === undefined || !namesAnothers || unfilled.includes(code)) continue;
      refused++;
      expect(["permission_denied", "not_found"], `${nameOf(method)}: ${text}`).toContain(code);
    }
    // Among them all that a runner does for itself.
    expect(refused).toBeGreaterThan(8);
  });

  test("a service account has no part in what is a person's", async () => {
    for (const name of ["GetEnvironment", "DeleteEnvironment", "DeleteSecret", "DeletePersonalAccessToken", "SetRole"]) {
      const method = unaryMethods.find((one) => one.name === name) ?? unreachable();
      expect((await send(world.tokens.serviceAccount, method, world.ids)).code, name).toMatch(/permission_denied|not_found/);
    }
  });

  test("a watch tells each of what they could read, and nobody of another organization", async () => {
    const touch = async ({ organizationId }: Person, { environment = "", project = "" }: Ids): Promise<void> => {
      const store = world.store.inOrganization(organizationId);
      await store.transaction(async (tx) => {
        const stored = await tx.get(environmentKind, environment);
        if (stored !== undefined) tx.update(environmentKind, stored, stored.message);
      });
      await store.transaction(async (tx) => {
        const stored = await tx.get(projectKind, project);
        if (stored !== undefined) tx.update(projectKind, stored, stored.message);
      });
    };
    const { environment = "", project = "" } = world.ids;
    const watchers = [
      { who: world.bob, last: project },
      { who: world.ada, last: project },
      { who: world.carol, last: project },
      { who: world.eve, last: world.evesIds.project ?? "" },
    ];
    const watched = await Promise.all(watchers.map(async ({ who, last }) => world.watch(who, last)));
    await touch(world.ada, world.ids);
    await touch(world.eve, world.evesIds);
    const [bobs = "", adas = "", carols = "", eves = ""] = await Promise.all(watched.map(async ({ over }) => over));
    expect(bobs).toContain(environment);
    // An administrator sees every environment's record.
    expect(adas).toContain(environment);
    expect(carols).not.toContain(environment);
    expect(eves).not.toContain(environment);
    expect(eves).not.toContain(project);
  });

  test("the world has one of every kind of resource that methods are about", () => {
    /** What is in no database: accounts are beyond organizations, and the others are not built. */
    const absent = ["account", "byType", "environmentService", "environmentTask", "taskExecution", "scimConfiguration"];
    const kinds = new Set(built.flatMap((method) => rowOf(method).targets.map(({ kind }) => kind)));
    expect([...kinds].filter((kind) => !Object.hasOwn(world.ids, kind) && !absent.includes(kind))).toEqual([]);
  });

  test("lists show each what they could read one by one", async () => {
    const list = async (who: Parameters<AttackWorld["call"]>[0], name: string): Promise<string> => {
      const method = unaryMethods.find((one) => one.name === name && one.parent.name !== "RunnerConfigurationService") ?? unreachable();
      return (await world.call(who, method, "{}")).text;
    };
    expect(await list(world.bob, "ListEnvironments")).toContain(world.ids.environment);
    for (const who of [world.carol, world.eve]) expect(await list(who, "ListEnvironments")).not.toContain(world.ids.environment);
    for (const name of ["ListEnvironments", "ListProjects", "ListRunners", "ListGroups", "ListServiceAccounts", "ListSecrets"])
      expect(await list(world.eve, name), name).not.toContain(canary);
  });
});

/** An error's message, with no id in it. */
function sentenceOf({ text }: Answer): string {
  const { message } = z.object({ message: z.string() }).parse(JSON.parse(text));
  return message.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "ID");
}

function unreachable(): never {
  throw new Error("there is no such method");
}
