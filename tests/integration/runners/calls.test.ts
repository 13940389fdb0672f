import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BerthError } from "../../../src/contract/berth-error.ts";
import { fromConnectError } from "../../../src/contract/connect-error.ts";
import {
  ParseContextURLPreconditionFailureDetailsSchema,
  ParseContextURLResponseSchema,
} from "../../../src/contract/gen/gitpod/v1/runner_pb.js";
import { EnvironmentClassSchema } from "../../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import type { RunnerAnswers } from "../../../src/bridge/runner/answer-requests.ts";
import { type PlaneProcess, type RunnerProcess, RunnerWorld } from "./runner-world.ts";

let world: RunnerWorld;
let plane: PlaneProcess;
let runnerId: string;
const { signal } = new AbortController();
const url = "https://github.com/o/r";
const principalId = "000000bb-0000-7000-8000-000000000001";

beforeEach(async () => {
  world = new RunnerWorld();
  plane = await world.startPlane();
  runnerId = world.runners.addRunner();
});

afterEach(async () => world.close());

async function connected(answers: Partial<RunnerAnswers> = {}): Promise<RunnerProcess> {
  const process = world.run(await world.enrol(plane, runnerId), { answers });
  await world.clock.until(() => process.isConnected);
  return process;
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => new Error("it was answered"),
    (error: unknown) => error,
  );
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return fromConnectError(await failure(work)).code;
}

/** What a call gives, while time passes as far as it has to. */
async function within<T>(work: Promise<T>, limitMs: number): Promise<{ readonly code: string; readonly tookMs: number }> {
  let code: string | undefined;
  void codeOf(work).then((given) => (code = given));
  const tookMs = await world.clock.passUntil(() => code !== undefined, limitMs);
  return { code: code ?? "", tookMs };
}

test("the plane asks a runner over the stream that the runner opened", async () => {
  await connected();
  const { calls } = plane.plane;
  expect((await calls.parseContextUrl(runnerId, { contextUrl: url, principalId }, signal)).git?.host).toBe("github.com");
  expect((await calls.checkAuthenticationForHost(runnerId, { host: "gitlab.com", principalId }, signal)).scmName).toBe("gitlab.com");
  const environmentClass = create(EnvironmentClassSchema, { displayName: "Small" });
  const validated = await calls.validateConfiguration(runnerId, { case: "environmentClass", value: environmentClass }, signal);
  expect(validated.result).toMatchObject({ case: "environmentClass", value: { valid: true } });
  await calls.ping(runnerId, signal);
});

test("a runner's failure reaches who asked with its code and details", async () => {
  const details = { authenticationRequiredUrl: "https://github.com/login", scmId: "github" };
  await connected({
    parseContextUrl: async () => {
      throw new ConnectError("sign in first", Code.FailedPrecondition, undefined, [
        { desc: ParseContextURLPreconditionFailureDetailsSchema, value: details },
      ]);
    },
    checkAuthenticationForHost: async () => {
      throw new BerthError("repository-unreachable", "gitlab.com does not answer");
    },
    validateConfiguration: async () => {
      throw new Error("a fault of the runner");
    },
  });
  const { calls } = plane.plane;
  const parsed = ConnectError.from(await failure(calls.parseContextUrl(runnerId, { contextUrl: url, principalId }, signal)));
  expect(parsed.code).toBe(Code.FailedPrecondition);
  expect(parsed.rawMessage).toBe("sign in first");
  expect(parsed.findDetails(ParseContextURLPreconditionFailureDetailsSchema)).toMatchObject([details]);
  const checked = fromConnectError(await failure(calls.checkAuthenticationForHost(runnerId, { host: "gitlab.com", principalId }, signal)));
  expect({ code: checked.code, detail: checked.detail }).toEqual({ code: "repository-unreachable", detail: "gitlab.com does not answer" });
  const fault = ConnectError.from(await failure(calls.validateConfiguration(runnerId, { case: undefined }, signal)));
  expect(fault.code).toBe(Code.Internal);
});

test("a runner that is not connected is unreachable after five seconds", async () => {
  const { code, tookMs } = await within(plane.plane.calls.ping(runnerId, signal), 30_000);
  expect(code).toBe("runner-unreachable");
  expect(tookMs).toBeLessThanOrEqual(7_000);
});

test("a runner that does not answer costs who asks 20 seconds, and its work is told to stop", async () => {
  let isStopped = false;
  await connected({
    parseContextUrl: async (_request, working) => {
      await new Promise<void>((resolve) => working.addEventListener("abort", () => resolve()));
      isStopped = true;
      return create(ParseContextURLResponseSchema);
    },
  });
  const { code, tookMs } = await within(plane.plane.calls.parseContextUrl(runnerId, { contextUrl: url, principalId }, signal), 60_000);
  expect(code).toBe("timeout");
  expect(tookMs).toBeLessThanOrEqual(22_000);
  await world.clock.passUntil(() => isStopped, 2_000);
});

test("who asks may stop to wait", async () => {
  await connected({ parseContextUrl: async () => new Promise(() => undefined) });
  const stop = new AbortController();
  const asked = failure(plane.plane.calls.parseContextUrl(runnerId, { contextUrl: url, principalId }, stop.signal));
  stop.abort(new Error("went away"));
  expect(await asked).toMatchObject({ message: "went away" });
});

test("a runner has no more questions to answer at once than it can, and says so of the rest", async () => {
  const process = await connected({ parseContextUrl: async () => new Promise(() => undefined) });
  const asked: string[] = [];
  for (let n = 0; n < 70; n++)
    void codeOf(plane.plane.calls.parseContextUrl(runnerId, { contextUrl: url, principalId }, signal)).then((code) => asked.push(code));
  await world.clock.passUntil(() => asked.length === 54, 5_000);
  expect(new Set(asked)).toEqual(new Set(["runner-busy"]));
  expect(process.isConnected).toBe(true);
  await world.clock.passUntil(() => asked.length === 70, 30_000);
  expect(asked.filter((code) => code === "timeout")).toHaveLength(16);
});

test("a runner that is connected to one server process is asked through any other", async () => {
  await connected();
  const other = await world.startPlane();
  expect(plane.plane.hub.streamCount).toBe(1);
  expect(other.plane.hub.streamCount).toBe(0);
  const parsed = await other.plane.calls.parseContextUrl(runnerId, { contextUrl: url, principalId }, signal);
  expect(parsed.originalContextUrl).toBe(url);
});

test("an answer may come in at another process than the stream and the question", async () => {
  const raw = world.raw(await world.enrol(plane, runnerId));
  await raw.begin();
  const [asking, answering] = [await world.startPlane(), await world.startPlane()];
  const elsewhere = raw.at(answering.port);
  const stop = new AbortController();
  const watched = failure(
    (async () => {
      for await (const { requestId, request } of raw.client.watchRequests({ runnerId }, { signal: stop.signal }))
        if (request.case === "callParseContext") {
          const response = { case: "callParseContext", value: { originalContextUrl: `${request.value.contextUrl}, elsewhere` } } as const;
          await elsewhere.call(async (client) => client.sendResponse({ runnerId, requestId, response }));
        }
    })(),
  );
  await world.clock.until(() => plane.plane.hub.streamCount === 1);
  const parsed = await asking.plane.calls.parseContextUrl(runnerId, { contextUrl: url, principalId }, signal);
  expect(parsed.originalContextUrl).toBe(`${url}, elsewhere`);
  stop.abort();
  await watched;
  elsewhere.close();
});

test("a question that was open when its runner's server died is asked again at the next one", async () => {
  let times = 0;
  const process = await connected({
    parseContextUrl: async ({ contextUrl }) => {
      if (++times === 1) return new Promise(() => undefined);
      return create(ParseContextURLResponseSchema, { originalContextUrl: contextUrl });
    },
  });
  const other = await world.startPlane();
  const asked = other.plane.calls.parseContextUrl(runnerId, { contextUrl: url, principalId }, signal);
  await world.clock.passUntil(() => times === 1, 2_000);
  await plane.kill();
  plane = await world.startPlane(plane.port);
  await world.clock.passUntil(() => times === 2, 15_000);
  expect((await asked).originalContextUrl).toBe(url);
  expect(process.isConnected).toBe(true);
});

test("another runner's answer is nobody's", async () => {
  const gate = Promise.withResolvers<void>();
  await connected({
    parseContextUrl: async () => {
      gate.resolve();
      return new Promise(() => undefined);
    },
  });
  const strangerId = world.runners.addRunner();
  const stranger = world.raw(await world.enrol(plane, strangerId));
  await stranger.begin();
  const asked = within(plane.plane.calls.parseContextUrl(runnerId, { contextUrl: url, principalId }, signal), 60_000);
  await gate.promise;
  const response = { case: "callParseContext", value: { originalContextUrl: "forged" } } as const;
  for (let n = 1; n < 20; n++)
    await stranger.call(async (client) => client.sendResponse({ runnerId: strangerId, requestId: `process-1/${n}`, response }));
  expect((await asked).code).toBe("timeout");
});
