import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { BerthError } from "../../../src/contract/berth-error.ts";
import type { ErrorCode } from "../../../src/contract/error-catalogue.ts";
import { silentLog } from "../../../src/lib/log.ts";
import type { Piece } from "../../../src/lib/pieces.ts";
import { keepChecking } from "../../../src/plane/tunnels/keep-checking.ts";
import {
  idleTimeoutMs,
  maxQueuedPieces,
  maxTunnelsPerPerson,
  maxTunnelsPerRunner,
  meetTimeoutMs,
  recheckIntervalMs,
} from "../../../src/plane/tunnels/limits.ts";
import { Tunnels } from "../../../src/plane/tunnels/tunnels.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const byte = (n: number): Piece => ({ case: "data", value: Uint8Array.of(n) });

async function* messages(pieces: readonly Piece[]) {
  for (const message of pieces) yield { message };
}

async function all(pieces: AsyncIterable<Piece>): Promise<Piece[]> {
  const found: Piece[] = [];
  for await (const piece of pieces) found.push(piece);
  return found;
}

function codeOf(work: () => unknown): string {
  try {
    work();
    return "";
  } catch (error) {
    return error instanceof BerthError ? error.code : String(error);
  }
}

test("a runner that was asked is joined once, and nobody else ever is", async () => {
  const tunnels = new Tunnels(new FakeClock());
  const { tunnel, ticket } = tunnels.begin("ada", "runner");
  expect(codeOf(() => tunnels.arrive("other", ticket, "key"))).toBe("resource-not-found");
  expect(codeOf(() => tunnels.arrive("runner", `${ticket}x`, "key"))).toBe("resource-not-found");
  expect(tunnels.arrive("runner", ticket, "key")).toBe(tunnel);
  expect(await tunnel.arrived).toBe("key");
  expect(codeOf(() => tunnels.arrive("runner", ticket, "key"))).toBe("resource-not-found");
});

test("a runner that comes too late finds nothing, and who waited is told", async () => {
  const clock = new FakeClock();
  const tunnels = new Tunnels(clock);
  const { tunnel, ticket } = tunnels.begin("ada", "runner");
  clock.jump(meetTimeoutMs);
  await expect(tunnel.arrived).rejects.toMatchObject({ code: "timeout" });
  expect(codeOf(() => tunnels.arrive("runner", ticket, ""))).toBe("resource-not-found");
  expect(tunnels.count).toBe(0);
});

test("a person and a runner have so many and no more, until one ends", () => {
  const tunnels = new Tunnels(new FakeClock());
  const own = Array.from({ length: maxTunnelsPerPerson }, () => tunnels.begin("ada", "runner").tunnel);
  expect(codeOf(() => tunnels.begin("ada", "another"))).toBe("tunnel-limit");
  own[0]?.end();
  tunnels.begin("ada", "another");
  for (let n = own.length - 1; n < maxTunnelsPerRunner; n++) tunnels.begin(`person ${n}`, "runner");
  expect(codeOf(() => tunnels.begin("bob", "runner"))).toBe("tunnel-limit");
  tunnels.close();
  expect(tunnels.count).toBe(0);
  tunnels.begin("ada", "runner");
});

test("each side gets what the other says, to its end", async () => {
  const { tunnel } = new Tunnels(new FakeClock()).begin("ada", "runner");
  const said: Piece[] = [byte(1), byte(2), { case: "end", value: true }];
  void tunnel.take("person", messages(said));
  void tunnel.take("runner", messages([byte(3)]));
  expect(await all(tunnel.pieces("runner"))).toEqual(said);
  // A stream that is over is an end too.
  expect(await all(tunnel.pieces("person"))).toEqual([byte(3), { case: "end", value: true }]);
});

test("who sends more than the other reads is held back", async () => {
  const { tunnel } = new Tunnels(new FakeClock()).begin("ada", "runner");
  let sent = 0;
  const endless = async function* () {
    for (;;) yield { message: byte(sent++ % 256) };
  };
  void tunnel.take("person", endless());
  for (let n = 0; n < 100; n++) await turn();
  expect(sent).toBeLessThanOrEqual(maxQueuedPieces + 2);
  const pieces = tunnel.pieces("runner");
  for (let n = 0; n < 3; n++) await pieces.next();
  await turn();
  expect(sent).toBeGreaterThan(maxQueuedPieces);
  tunnel.end();
});

test("who may not have a tunnel any more loses it at the next look, and while nobody can say it stays", async () => {
  const clock = new FakeClock();
  const tunnels = new Tunnels(clock);
  const tunnel = tunnels.arrive("runner", tunnels.begin("ada", "runner").ticket, "key");
  const answers: readonly (ErrorCode | undefined)[] = [undefined, "store-unavailable", undefined, "runner-replaced"];
  let looks = 0;
  const check = async (): Promise<void> => {
    const code = answers[looks++];
    if (code !== undefined) throw new BerthError(code, "of the test");
  };
  keepChecking({ check, clock, log: silentLog }, tunnel);
  for (let n = 1; n <= answers.length; n++) {
    expect(tunnel.ended.aborted).toBe(false);
    clock.jump(recheckIntervalMs - 1);
    await turn();
    expect(looks).toBe(n - 1);
    clock.jump(1);
    await turn();
    expect(looks).toBe(n);
  }
  expect(tunnel.ended.aborted).toBe(true);
  await expect(all(tunnel.pieces("person"))).rejects.toMatchObject({ code: "runner-replaced" });
  clock.jump(recheckIntervalMs);
  expect(looks).toBe(answers.length);
});

test("when nothing was said for too long both are told, and what is said puts that off", async () => {
  const clock = new FakeClock();
  const tunnels = new Tunnels(clock);
  const { tunnel, ticket } = tunnels.begin("ada", "runner");
  tunnels.arrive("runner", ticket, "");
  const rest = Promise.withResolvers<void>();
  const slow = async function* () {
    yield { message: byte(1) };
    await rest.promise;
    yield { message: byte(2) };
    await new Promise(() => undefined);
  };
  void tunnel.take("person", slow());
  const pieces = tunnel.pieces("runner");
  await pieces.next();
  clock.jump(idleTimeoutMs - 1);
  rest.resolve();
  await pieces.next();
  clock.jump(idleTimeoutMs - 1);
  expect(tunnel.ended.aborted).toBe(false);
  clock.jump(1);
  await expect(pieces.next()).rejects.toMatchObject({ code: "timeout" });
  await expect(all(tunnel.pieces("person"))).rejects.toMatchObject({ code: "timeout" });
});
