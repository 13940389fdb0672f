import { afterEach, expect, test } from "vitest";
import { PortForwarder, wantedForwards } from "./port-forwarder.ts";

const firstPort = 41_000;
const forwarder = new PortForwarder(async () => {
  throw new Error("nothing listens");
});
afterEach(async () => forwarder.update([]));

test("an environment that tells of ports without end takes no more of this computer than an honest one may", async () => {
  const listening = Array.from({ length: 130 }, (_, i) => ({ port: firstPort + i, processName: "many", address: "127.0.0.1" }));
  await forwarder.update(
    wantedForwards(
      listening.map((port) => ({ $typeName: "berth.v1.ListeningPort" as const, ...port })),
      [],
    ),
  );
  expect(forwarder.forwards.filter(({ hostPort }) => hostPort > 0)).toHaveLength(100);
  expect(forwarder.forwards.at(-1)).toMatchObject({ hostPort: 0, failureMessage: expect.stringMatching(/^too-many-ports: /) });
});
