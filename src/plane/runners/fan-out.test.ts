import { expect, test } from "vitest";
import { type Log, silentLog } from "../../lib/log.ts";
import { InMemoryFanOut } from "./fan-out.ts";

test("a listener that throws keeps no message from the others", async () => {
  const told: unknown[] = [];
  const log: Log = { ...silentLog, error: (_message, fields) => void told.push(fields?.["reason"]) };
  const fanOut = new InMemoryFanOut(log);
  const heard: string[] = [];
  fanOut.subscribe("t", () => {
    throw new Error("not in the mood");
  });
  fanOut.subscribe("t", (message) => void heard.push(Buffer.from(message).toString()));
  await fanOut.publish("t", Buffer.from("message"));
  await expect.poll(() => heard).toEqual(["message"]);
  expect(told).toEqual(["not in the mood"]);
});
