import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { type WatchRequestsResponse, WatchRequestsResponseSchema } from "../../contract/gen/gitpod/v1/runner_interaction_pb.js";
import { maxQueuedCalls, maxQueuedHints } from "./limits.ts";
import { RunnerStream } from "./runner-stream.ts";

const hint = (environmentId: string): WatchRequestsResponse =>
  create(WatchRequestsResponseSchema, { request: { case: "eventEnvironmentSpecChange", value: { environmentId } } });
const call = (requestId: string): WatchRequestsResponse =>
  create(WatchRequestsResponseSchema, { requestId, request: { case: "callPing", value: {} } });

test("hints about one thing are one, and calls go first", async () => {
  const stream = new RunnerStream("1", "");
  for (let n = 0; n < 5000; n++) stream.pushHint("a", hint("a"));
  stream.pushHint("b", hint("b"));
  stream.pushCall(call("c"));
  const messages = stream[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => (await messages.next()).value?.request;
  expect(await next()).toMatchObject({ case: "callPing" });
  expect(await next()).toMatchObject({ value: { environmentId: "a" } });
  expect(await next()).toMatchObject({ value: { environmentId: "b" } });
  const waiting = next();
  stream.pushHint("a", hint("a"));
  expect(await waiting).toMatchObject({ value: { environmentId: "a" } });
});

test("a runner that does not read has so many calls waiting and no more", () => {
  const stream = new RunnerStream("1", "");
  const taken = Array.from({ length: maxQueuedCalls + 10 }, (_, n) => stream.pushCall(call(String(n))));
  expect(taken.filter(Boolean)).toHaveLength(maxQueuedCalls);
});

test("a runner too far behind with hints is cut off, so that it lists anew", async () => {
  const stream = new RunnerStream("1", "");
  for (let n = 0; n <= maxQueuedHints; n++) stream.pushHint(String(n), hint(String(n)));
  await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "runner-busy" });
});

test("a stream that was ended ends for who waits", async () => {
  const stream = new RunnerStream("1", "");
  const waiting = stream[Symbol.asyncIterator]().next();
  stream.end();
  expect((await waiting).done).toBe(true);
  expect(stream.pushCall(call("late"))).toBe(false);
});
