import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { systemClock } from "../../lib/clock.ts";
import { InMemoryFanOut } from "./fan-out.ts";
import { decodeHubMessage, encodeHubMessage, runnerTopic } from "./hub-messages.ts";
import { maxOpenCalls } from "./limits.ts";
import { RunnerHub } from "./runner-hub.ts";

test("each question is sent once, and once again over a new stream; one too many is not sent", async () => {
  const fanOut = new InMemoryFanOut();
  const hub = new RunnerHub({ processId: "p", fanOut, clock: systemClock });
  const sent: string[] = [];
  fanOut.subscribe(runnerTopic("r"), (bytes) => {
    const message = decodeHubMessage(bytes);
    if (message?.kind === "request") sent.push(message.requestId);
  });
  const ended = new AbortController();
  const ask = async (): Promise<unknown> => hub.call("r", { case: "callPing", value: {} }, ended.signal).catch((error: unknown) => error);
  const asked = Array.from({ length: maxOpenCalls }, ask);
  expect(await ask()).toMatchObject({ code: "runner-busy" });
  await turn();
  expect(sent.length).toBe(maxOpenCalls);
  await fanOut.publish(runnerTopic("r"), encodeHubMessage({ kind: "opened", streamId: "s" }));
  await expect.poll(() => sent.length).toBe(2 * maxOpenCalls);
  await turn();
  await turn();
  expect(sent.length).toBe(2 * maxOpenCalls);
  expect(new Set(sent).size).toBe(maxOpenCalls);
  ended.abort();
  await Promise.all(asked);
});
