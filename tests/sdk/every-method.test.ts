import type { DescMethod } from "@bufbuild/protobuf";
import Gitpod from "@gitpod/sdk";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { messageOf } from "../../src/lib/log.ts";
import { documentedGaps } from "../../tools/api-reference/gaps.ts";
import { AttackWorld, unaryMethods } from "../integration/server/attack-world.ts";
import { filledRequest } from "../integration/server/filled-request.ts";
import { postgresDatabases, sqliteDatabases } from "../integration/store/databases.ts";

/** A call of the SDK, e.g. `environments.automations.tasks.start`. */
interface SdkMethod {
  readonly name: string;
  readonly call: (params: object) => unknown;
}

/** All that the SDK can do, wherever it stands in it. */
function sdkMethods(resource: object, path: readonly string[] = []): SdkMethod[] {
  const prototype: unknown = Object.getPrototypeOf(resource);
  const own = typeof prototype === "object" && prototype !== null && path.length > 0 ? Object.getOwnPropertyNames(prototype) : [];
  const methods = own.flatMap((name): SdkMethod[] => {
    const value: unknown = Reflect.get(resource, name);
    if (name === "constructor" || typeof value !== "function") return [];
    return [{ name: [...path, name].join("."), call: (params) => Reflect.apply(value, resource, [params]) }];
  });
  const inner = Object.entries(resource).filter(([name, value]) => !name.startsWith("_") && isResource(value));
  return [...methods, ...inner.flatMap(([name, value]) => sdkMethods(value, [...path, name]))];
}

function isResource(value: unknown): value is object {
  return typeof value === "object" && value !== null && "_client" in value;
}

const gaps = new Set(documentedGaps(readFileSync(join(import.meta.dirname, "../../docs/API.md"), "utf8")));
/** What ends the caller or what they have; each as late as its place here. */
const last = [/\/Delete/, /\/(SetSuspended|LeaveOrganization)/, /\/DeleteOrganization/, /\/DeleteAccount/];

/** What is refused is refused for what it names; there is no token to exchange here, and no runner to ask. */
const expected = /^(400|403|404|409) |^401 identity\.exchangeToken|^503 .* is not connected/;

function placeOf(path: string): number {
  return last.findIndex((pattern) => pattern.test(path));
}

describe.each([sqliteDatabases(), postgresDatabases()])("every method of the unmodified SDK on $name", (databases) => {
  let world: AttackWorld;
  beforeAll(async () => {
    await databases.start();
    world = await AttackWorld.start(databases);
  });
  afterAll(async () => {
    await world.stop();
    await databases.stop();
  });

  /** Which method of the API each of the SDK's calls; nothing is sent. */
  async function pathsOf(): Promise<Map<SdkMethod, string>> {
    const asked: string[] = [];
    const client = new Gitpod({
      bearerToken: "none",
      baseURL: "http://127.0.0.1:9",
      maxRetries: 0,
      fetch: async (url) => {
        asked.push(new URL(url instanceof Request ? url.url : url).pathname.slice(1));
        return new Response("{}", { headers: { "content-type": "application/json" } });
      },
    });
    const paths = new Map<SdkMethod, string>();
    for (const method of sdkMethods(client)) {
      await Promise.resolve(method.call({})).catch(() => undefined);
      paths.set(method, asked.pop() ?? "");
    }
    return paths;
  }

  test("is there, but for what docs/API.md names", async () => {
    const paths = await pathsOf();
    expect(paths.size).toBe(119);
    const served = new Map(unaryMethods.map((method) => [`${method.parent.typeName}/${method.name}`, method]));
    let sent: DescMethod | undefined;
    const client = new Gitpod({
      bearerToken: world.eve.token,
      baseURL: "http://elsewhere.invalid",
      maxRetries: 0,
      fetch: async (url, init) => {
        const { pathname } = new URL(url instanceof Request ? url.url : url);
        // Eve has one of everything; the rest of a request is as good as its schema tells.
        const body = sent === undefined ? "" : JSON.stringify(filledRequest(sent, { ids: world.evesIds }));
        return fetch(new URL(pathname, world.baseUrl), { ...init, body });
      },
    });
    const calls = new Map(sdkMethods(client).map((method) => [method.name, method]));
    const inOrder = [...paths].toSorted(([, a], [, b]) => placeOf(a) - placeOf(b));
    const unbuilt: string[] = [];
    let succeeded = 0;
    const failed: string[] = [];
    for (const [{ name }, path] of inOrder) {
      // Its stream does not end; tests of it are elsewhere.
      if (path.endsWith("/WatchEvents")) continue;
      sent = served.get(path);
      expect(sent, `${name} calls ${path}`).toBeDefined();
      const answer: unknown = await Promise.resolve(calls.get(name)?.call({})).then(
        () => undefined,
        (error: unknown) => error,
      );
      const status = answer instanceof Gitpod.APIError ? Number(answer.status) : undefined;
      if (answer === undefined) succeeded++;
      else if (status === 501) unbuilt.push(path.replace("gitpod.v1.", ""));
      else failed.push(`${status} ${name}: ${messageOf(answer)}`);
    }
    expect(unbuilt.filter((path) => !gaps.has(path))).toEqual([]);
    expect(failed.filter((line) => !expected.test(line))).toEqual([]);
    expect(succeeded, failed.join("\n")).toBeGreaterThan(70);
  }, 120_000);
});
