import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { type EnvironmentStatus, EnvironmentPhase, EnvironmentStatusSchema } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { systemClock } from "../../lib/clock.ts";
import { silentLog } from "../../lib/log.ts";
import { Backoff } from "./backoff.ts";
import { StatusOutbox } from "./status-outbox.ts";

test("of an environment that is gone nothing is sent again", async () => {
  const backoff = new Backoff({ firstMs: 1, maxMs: 1, random: () => 0 });
  const outbox = new StatusOutbox({ clock: systemClock, backoff, log: silentLog });
  const sent: string[] = [];
  const send = async (id: string, { phase }: EnvironmentStatus): Promise<void> => {
    sent.push(id);
    // As who sends learns it: while it is under way.
    if (phase === EnvironmentPhase.DELETED) outbox.forget(id);
  };
  const ended = new AbortController();
  const running = outbox.run(send, ended.signal);
  outbox.put("gone", create(EnvironmentStatusSchema, { phase: EnvironmentPhase.DELETED }));
  outbox.put("there", create(EnvironmentStatusSchema, { phase: EnvironmentPhase.RUNNING }));
  await expect.poll(() => sent).toEqual(["gone", "there"]);
  await expect.poll(() => outbox.pendingCount).toBe(0);
  outbox.connected();
  await expect.poll(() => sent).toEqual(["gone", "there", "there"]);
  expect(outbox.pendingCount).toBe(0);
  ended.abort();
  await running;
});
