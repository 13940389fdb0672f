import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { BerthError } from "../contract/berth-error.ts";
import { serveJsonlEvents } from "./jsonl.ts";

/** What WatchEvents as lines answers when it fails before its first line. */
async function answerOf(failure: Error): Promise<{ readonly status: number; readonly body: unknown }> {
  const server = createServer((request, response) => {
    serveJsonlEvents(request, response, {
      watch: async () => Promise.reject(failure),
      enter: async () => Promise.reject(failure),
      scopeOf: async () => Promise.reject(failure),
      tellFault: () => "reference 1",
      again: () => undefined,
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const response = await fetch(`http://127.0.0.1:${address.port}/gitpod.v1.EventService/WatchEvents`, {
    method: "POST",
    headers: { accept: "application/jsonl" },
    body: "{}",
  });
  return { status: response.status, body: await response.json() };
}

test("a fault is told by its reference alone, as by every other method", async () => {
  const { status, body } = await answerOf(new Error("password authentication failed for user berth at 10.0.0.7"));
  expect(status).toBe(500);
  expect(body).toMatchObject({ code: "internal", message: expect.stringContaining("reference 1") });
  expect(JSON.stringify(body)).not.toContain("10.0.0.7");
});

test("what the catalogue knows keeps its code", async () => {
  const { status, body } = await answerOf(new BerthError("sign-in-required", "it names nobody"));
  expect(status).toBe(401);
  expect(body).toMatchObject({ code: "unauthenticated" });
});
