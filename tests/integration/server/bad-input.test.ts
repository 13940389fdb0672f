import type { DescField, DescMethod } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postgresDatabases, sqliteDatabases } from "../store/databases.ts";
import { type Answer, AttackWorld, unaryMethods } from "./attack-world.ts";
import { filledRequest } from "./filled-request.ts";

const nameOf = (method: DescMethod): string => `${method.parent.typeName}/${method.name}`;
/** A little more than a message may be. */
const oversizeBytes = 4 * 1024 * 1024 + 1024;
/** What must not be in an answer: stacks, files of ours, SQL. */
const innards = /\bat .*:\d+:\d+|\.ts\b|node_modules|SELECT |INSERT |syntax error|SQLITE|a fault/;
const injections = [`'; DROP TABLE resources; --`, `" OR "1"="1`, `%' UNION SELECT/**/data FROM resources --`];

describe.each([sqliteDatabases(), postgresDatabases()])("bad input on $name", (databases) => {
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

  /** Sends to every method, and sees that none fails of itself or tells what is inside. */
  async function sweep(
    bodyOf: (method: DescMethod) => string | Uint8Array<ArrayBuffer>,
    check: (answer: Answer, method: DescMethod) => void,
  ): Promise<void> {
    for (const method of built) {
      const answer = await world.call(world.eve, method, bodyOf(method));
      expect(answer.code, `${nameOf(method)}: ${answer.text}`).not.toMatch(/internal|unknown|http/);
      expect(answer.text, nameOf(method)).not.toMatch(innards);
      check(answer, method);
    }
  }

  test("what is no JSON, or no UTF-8, is refused", async () => {
    const notUtf8 = new Uint8Array([...Buffer.from('{"name":"'), 0xff, 0xfe, 0xc3, 0x28, ...Buffer.from('"}')]);
    await sweep(
      () => "{",
      ({ code }, method) => expect(["invalid_argument", "unimplemented", "permission_denied"], nameOf(method)).toContain(code),
    );
    await sweep(
      () => notUtf8,
      () => undefined,
    );
  });

  test("strings in binary that are no UTF-8 are refused", async () => {
    for (const method of built) {
      const field = method.input.fields.find(({ fieldKind, scalar }) => fieldKind === "scalar" && scalar === 9);
      if (field === undefined) continue;
      const body = new Uint8Array([...varint((field.number << 3) | 2), 2, 0xc3, 0x28]);
      const { code, text } = await world.call(world.eve, method, body, "application/proto");
      expect(["invalid_argument", "permission_denied"], `${nameOf(method)}: ${text}`).toContain(code);
    }
  });

  test("more than a message may be is refused", async () => {
    const body = JSON.stringify({ name: "x".repeat(oversizeBytes) });
    await sweep(
      () => body,
      ({ code }, method) => expect(["resource_exhausted", "unimplemented", "permission_denied"], nameOf(method)).toContain(code),
    );
  }, 120_000);

  test("fields that nobody knows change nothing of the answer", async () => {
    for (const method of built.filter(({ idempotency }) => idempotency === 1)) {
      const request = filledRequest(method, { ids: world.evesIds });
      const [plain, more] = [
        await world.call(world.eve, method, JSON.stringify(request)),
        await world.call(world.eve, method, JSON.stringify({ ...request, fromTheFuture: { a: [1] } })),
      ];
      expect(more.code, nameOf(method)).toBe(plain.code);
    }
  });

  test("SQL in every string is text like any other", async () => {
    for (const injection of injections)
      await sweep(
        (method) => JSON.stringify(filledRequest(method, { ids: {}, text: (_field: DescField) => injection })),
        () => undefined,
      );
    for (const injection of injections)
      await sweep(
        (method) => {
          const ids = Object.fromEntries(Object.keys(world.ids).map((kind) => [kind, injection]));
          return JSON.stringify(filledRequest(method, { ids }));
        },
        () => undefined,
      );
    const { text } = await world.call(world.ada, method("ListMembers"), JSON.stringify({ organizationId: world.ada.organizationId }));
    expect(JSON.parse(text)).toMatchObject({ members: [{}, {}, {}] });
  }, 60_000);

  test("a page's token that was made up, changed or given for another list is refused", async () => {
    const paged = built.filter(({ input }) => input.fields.some(({ name }) => name === "pagination"));
    expect(paged.length).toBeGreaterThan(10);
    await world.call(world.ada, method("CreateGroup"), JSON.stringify({ organizationId: world.ada.organizationId, name: "second" }));
    const first = await world.call(world.ada, method("ListGroups"), JSON.stringify({ pagination: { pageSize: 1 } }));
    const token = /"nextToken":"([^"]+)"/.exec(first.text)?.[1] ?? "";
    expect(token).not.toBe("");
    const end = token.at(-1) === "A" ? "B" : "A";
    for (const bad of ["AAAA", `${token.slice(0, -1)}${end}`, token])
      for (const one of paged) {
        const request = { ...filledRequest(one, { ids: world.ids }), pagination: { pageSize: 1, token: bad } };
        const { code, text } = await world.call(world.ada, one, JSON.stringify(request));
        if (one.name === "ListGroups" && bad === token) continue;
        expect(["invalid_argument", "permission_denied", "not_found"], `${nameOf(one)}: ${text}`).toContain(code);
      }
  });

  test("of updates at once none is lost", async () => {
    const { project } = world.evesIds;
    const changes = [
      { name: "renamed" },
      { technicalDescription: "described" },
      { devcontainerFilePath: "dev.json" },
      { automationsFilePath: "a.yaml" },
    ];
    const answers = await Promise.all(
      changes.map(async (change) => world.call(world.eve, method("UpdateProject"), JSON.stringify({ projectId: project, ...change }))),
    );
    expect(answers.map(({ code, text }) => (code === "" ? "" : text))).toEqual(["", "", "", ""]);
    const { text } = await world.call(world.eve, method("GetProject"), JSON.stringify({ projectId: project }));
    expect(JSON.parse(text)).toMatchObject({
      project: {
        metadata: { name: "renamed" },
        technicalDescription: "described",
        devcontainerFilePath: "dev.json",
        automationsFilePath: "a.yaml",
      },
    });
  });
});

function method(name: string): DescMethod {
  const found = unaryMethods.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no method ${name}`);
  return found;
}

/** As protobuf writes numbers. */
function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}
