import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { authorizationTable } from "../../src/plane/authorization/table.ts";
import { documentedGaps } from "../../tools/api-reference/gaps.ts";
import { AttackWorld, unaryMethods } from "../integration/server/attack-world.ts";
import { sqliteDatabases } from "../integration/store/databases.ts";

const apiDocument = readFileSync(join(import.meta.dirname, "../../docs/API.md"), "utf8");

test("what docs/API.md says of methods that are not built is what a server answers, for every method", { timeout: 120_000 }, async () => {
  const databases = sqliteDatabases();
  await databases.start();
  const world = await AttackWorld.start(databases);
  const callers = [world.ada, world.tokens.environment, world.tokens.foreignRunner, world.tokens.serviceAccount, undefined];
  const unbuilt: string[] = [];
  for (const method of unaryMethods) {
    const codes: string[] = [];
    // Whoever no row is for is refused before anything is said of the method.
    for (const who of callers) codes.push((await world.call(who, method, "{}")).code);
    if (codes.includes("unimplemented")) unbuilt.push(`${method.parent.name}/${method.name}`);
  }
  await world.stop();
  await databases.stop();
  expect(documentedGaps(apiDocument).toSorted()).toEqual(unbuilt.toSorted());
});

test("what docs/API.md says that nobody may call is what the table says", () => {
  const forNobody = [...authorizationTable].filter(
    ([name, { grants }]) => name.startsWith("gitpod.v1.") && Object.keys(grants).length === 0,
  );
  const [, said = ""] = apiDocument.split("\nNobody may call ");
  const named = [...(said.split(":")[0] ?? "").matchAll(/`(\w+)\.(\w+)`/g)].map(([, service, method]) => `gitpod.v1.${service}/${method}`);
  expect(named.toSorted()).toEqual(forNobody.map(([name]) => name).toSorted());
});
