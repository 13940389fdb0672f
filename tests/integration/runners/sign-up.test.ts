import { afterEach, beforeEach, expect, test } from "vitest";
import { BerthError } from "../../../src/contract/berth-error.ts";
import { RunnerPhase } from "../../../src/contract/gen/gitpod/v1/runner_pb.js";
import { sealTo } from "../../../src/lib/sealed-box.ts";
import { type PlaneProcess, type RawRunner, RunnerWorld, statusOf } from "./runner-world.ts";

let world: RunnerWorld;
let plane: PlaneProcess;
let runnerId: string;

beforeEach(async () => {
  world = new RunnerWorld();
  plane = await world.startPlane();
  runnerId = world.runners.addRunner();
});

afterEach(async () => world.close());

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "it worked",
    (error: unknown) => (error instanceof BerthError ? error.code : String(error)),
  );
}

test("a computer becomes a runner: exchange, sign-up, active, with what it says of itself", async () => {
  expect(world.runners.phase(runnerId)).toBe(RunnerPhase.CREATED);
  const state = await world.enrol(plane, runnerId);
  const process = world.run(state);
  await world.clock.until(() => process.isConnected);
  const record = world.runners.runners.get(runnerId);
  expect(record?.runner.status).toMatchObject({ phase: RunnerPhase.ACTIVE, version: "1", region: "here" });
  expect(Buffer.from(record?.runner.status?.publicKey ?? []).equals(state.keyPair.publicKey)).toBe(true);
  expect(record?.configurationSchema?.version).toBe("1");
  expect(world.runners.offered.map(({ displayName }) => displayName)).toEqual(["Small"]);
});

test("tokens are kept as hashes only", async () => {
  const exchangeToken = await plane.plane.enrolment.issueExchangeToken(runnerId);
  const { accessToken = "" } = await world.exchange(exchangeToken, plane.port);
  const kept = JSON.stringify([...world.runners.tokens]);
  expect(accessToken.length).toBeGreaterThan(40);
  expect(kept).not.toContain(accessToken);
  expect(kept).not.toContain(exchangeToken);
});

test("of many that exchange one token at once, one gets it", async () => {
  const exchangeToken = await plane.plane.enrolment.issueExchangeToken(runnerId);
  const codes = await Promise.all(Array.from({ length: 20 }, async () => codeOf(world.exchange(exchangeToken, plane.port))));
  expect(codes.filter((code) => code === "it worked")).toHaveLength(1);
  expect(codes.filter((code) => code === "exchange-token-invalid")).toHaveLength(19);
});

test("an exchange token is good for 24 hours, and until there is a newer one", async () => {
  const first = await plane.plane.enrolment.issueExchangeToken(runnerId);
  const second = await plane.plane.enrolment.issueExchangeToken(runnerId);
  expect(await codeOf(world.exchange(first, plane.port))).toBe("exchange-token-invalid");
  world.clock.jump(24 * 60 * 60_000);
  expect(await codeOf(world.exchange(second, plane.port))).toBe("exchange-token-invalid");
  expect(await codeOf(world.exchange("berth_rx_made-up", plane.port))).toBe("exchange-token-invalid");
  const third = await plane.plane.enrolment.issueExchangeToken(runnerId);
  world.clock.jump(24 * 60 * 60_000 - 1);
  expect(await codeOf(world.exchange(third, plane.port))).toBe("it worked");
});

test("an access token is no exchange token", async () => {
  const { accessToken = "" } = await world.enrol(plane, runnerId);
  expect(await codeOf(world.exchange(accessToken, plane.port))).toBe("exchange-token-invalid");
});

test("a stolen exchange token is noticed, and the next one shuts the thief out", async () => {
  const environmentId = world.runners.addEnvironment(runnerId);
  const exchangeToken = await plane.plane.enrolment.issueExchangeToken(runnerId);
  const stolen = await world.exchange(exchangeToken, plane.port);
  const thief = world.run(stolen);
  await world.clock.until(() => thief.isConnected);
  world.runners.hostTokens.set(`${runnerId} ${runnerId} github.com`, {
    tokenId: runnerId,
    sealedValue: await sealTo(new Uint8Array(32).fill(9), "for the thief"),
    sealedRefreshToken: new Uint8Array(),
    expiresAtMs: undefined,
  });

  expect(await codeOf(world.exchange(exchangeToken, plane.port))).toBe("exchange-token-invalid");
  world.clock.jump(1000);
  const owned = await world.enrol(plane, runnerId);
  const owner = world.run(owned);
  await world.clock.passUntil(() => owner.isConnected && thief.runner.link.state.kind === "ended", 60_000);
  expect(await codeOf(thief.ended.then((error) => Promise.reject(error)))).toMatch(/^(runner-replaced|credential-invalid)$/);
  // Starting it again does not help it.
  const again = world.run(stolen);
  await world.clock.passUntil(() => again.runner.link.state.kind === "ended", 5_000);
  expect(await codeOf(again.ended.then((error) => Promise.reject(error)))).toBe("credential-invalid");
  expect(world.runners.hostTokens.size).toBe(0);
  const publicKey = world.runners.runners.get(runnerId)?.runner.status?.publicKey ?? new Uint8Array();
  expect(Buffer.from(publicKey).equals(owned.keyPair.publicKey)).toBe(true);
  await owner.observe(environmentId, "of the owner");
  await world.clock.passUntil(() => world.statusOf(environmentId) === "of the owner", 5_000);
});

test("an access token that nobody has signed up with is void once there is another, whatever the clocks say", async () => {
  const used = await world.enrol(plane, runnerId);
  const owner = world.run(used);
  await world.clock.until(() => owner.isConnected);
  const { accessToken: unused = "" } = await world.enrol(plane, runnerId);
  const { accessToken: newest = "" } = await world.enrol(plane, runnerId);
  const { enrolment } = plane.plane;
  expect(await enrolment.authenticate(unused)).toBeUndefined();
  expect(await enrolment.authenticate(newest)).toMatchObject({ id: runnerId });
  // Until somebody signs up with the newest, the runner goes on.
  expect(await enrolment.authenticate(used.accessToken ?? "")).toMatchObject({ id: runnerId });
});

test("who has a runner's token alone does not put its own key in place of the runner's", async () => {
  const state = await world.enrol(plane, runnerId);
  const owner = world.run(state);
  await world.clock.until(() => owner.isConnected);
  const other = await world.enrol(plane, world.runners.addRunner());
  const thief = world.run({ ...state, keyPair: other.keyPair });
  await world.clock.passUntil(() => thief.runner.link.state.kind === "ended", 5_000);
  expect(await codeOf(thief.ended.then((error) => Promise.reject(error)))).toBe("runner-signed-up");
  await world.clock.pass(60_000);
  expect(owner.isConnected).toBe(true);
});

test("a second process of the same runner takes over, and the first one ends and stays ended", async () => {
  const environmentId = world.runners.addEnvironment(runnerId);
  const state = await world.enrol(plane, runnerId);
  const first = world.run(state);
  await world.clock.until(() => first.isConnected);
  await first.observe(environmentId, "of the first");
  await world.clock.passUntil(() => world.statusOf(environmentId) === "of the first", 5_000);

  const second = world.run(state);
  await world.clock.passUntil(() => second.isConnected && first.runner.link.state.kind === "ended", 60_000);
  expect(await codeOf(first.ended.then((error) => Promise.reject(error)))).toBe("runner-replaced");
  await second.observe(environmentId, "of the second");
  await first.observe(environmentId, "late, of the first");
  await world.clock.pass(120_000);
  expect(world.statusOf(environmentId)).toBe("of the second");
  expect(second.isConnected).toBe(true);
});

test("a process that was stopped for long while another took over cannot write when it goes on", async () => {
  const environmentId = world.runners.addEnvironment(runnerId);
  const state = await world.enrol(plane, runnerId);
  const [old, now, nameless] = [world.raw(state), world.raw(state), world.raw(state)];
  const write = async (raw: RawRunner, message: string): Promise<string> =>
    codeOf(raw.call(async (client) => client.updateRunnerEnvironmentStatus({ runnerId, environmentId, status: statusOf(message) })));
  await old.begin();
  expect(await write(old, "before")).toBe("it worked");
  await now.begin();
  expect(await write(old, "before the new one said anything")).toBe("it worked");
  expect(await write(now, "of the new one")).toBe("it worked");
  expect(await write(old, "stale")).toBe("runner-replaced");
  expect(await write(nameless, "without a session")).toBe("runner-replaced");
  expect(world.statusOf(environmentId)).toBe("of the new one");
});

test("who has a runner's token but not its private key neither speaks for it nor drives it out", async () => {
  const environmentId = world.runners.addEnvironment(runnerId);
  const state = await world.enrol(plane, runnerId);
  const owner = world.run(state);
  await world.clock.until(() => owner.isConnected);
  const thief = world.raw(state);
  const write = async (): Promise<string> =>
    codeOf(thief.call(async (client) => client.updateRunnerEnvironmentStatus({ runnerId, environmentId, status: statusOf("forged") })));
  const sealed = (await thief.signUp()) ?? new Uint8Array();
  expect(await write()).toBe("runner-replaced");
  for (const guess of [Buffer.from(sealed).toString("base64"), "new", "unbound", world.runners.runners.get(runnerId)?.session ?? ""]) {
    thief.useSession(guess);
    expect(await write()).toBe("runner-replaced");
  }
  expect(await codeOf(world.raw(state).signUpWithoutSession())).toBe("runner-signed-up");
  await owner.observe(environmentId, "of the owner");
  await world.clock.until(() => world.statusOf(environmentId) === "of the owner");
  await world.clock.pass(60_000);
  expect(owner.isConnected).toBe(true);
});

test("a runner of the protocol that knows nothing of sessions is served too, once its token is its only proof", async () => {
  const environmentId = world.runners.addEnvironment(runnerId);
  const foreign = world.raw(await world.enrol(plane, runnerId));
  await foreign.signUpWithoutSession();
  await foreign.call(async (client) => client.markRunnerActive({ runnerId }));
  await foreign.call(async (client) => client.updateRunnerEnvironmentStatus({ runnerId, environmentId, status: statusOf("observed") }));
  expect(world.statusOf(environmentId)).toBe("observed");
  expect(world.runners.phase(runnerId)).toBe(RunnerPhase.ACTIVE);
});

test("of two processes that begin at once one remains", async () => {
  const state = await world.enrol(plane, runnerId);
  const both = [world.run(state), world.run(state)];
  const kinds = () => both.map(({ runner }) => runner.link.state.kind).toSorted();
  await world.clock.passUntil(() => String(kinds()) === "connected,ended", 60_000);
  await world.clock.pass(120_000);
  expect(kinds()).toEqual(["connected", "ended"]);
});

test("a runner speaks for itself alone", async () => {
  const otherId = world.runners.addRunner();
  const others = world.runners.addEnvironment(otherId);
  const [one, other] = [world.raw(await world.enrol(plane, runnerId)), world.raw(await world.enrol(plane, otherId))];
  await one.begin();
  await other.begin();
  const code = async (call: Parameters<RawRunner["call"]>[0]) => codeOf(one.call(call));
  const status = statusOf("forged");
  expect(await code(async (client) => client.markRunnerActive({ runnerId }))).toBe("it worked");
  expect(await code(async (client) => client.markRunnerActive({ runnerId: otherId }))).toBe("not-allowed");
  expect(await code(async (client) => client.getRunnerEnvironment({ runnerId, environmentId: others }))).toBe("not-allowed");
  expect(await code(async (client) => client.updateRunnerEnvironmentStatus({ runnerId, environmentId: others, status }))).toBe(
    "not-allowed",
  );
  const unknown = "000000ee-0000-7000-8000-999999999999";
  expect(await code(async (client) => client.getRunnerEnvironment({ runnerId, environmentId: unknown }))).toBe("environment-not-found");
});

test("a runner that went missing is inactive after 90 seconds and active again when it is back", async () => {
  const process = world.run(await world.enrol(plane, runnerId));
  await world.clock.until(() => process.isConnected);
  await world.clock.pass(120_000);
  expect(world.runners.phase(runnerId)).toBe(RunnerPhase.ACTIVE);
  await plane.kill();
  plane = await world.startPlane(plane.port);
  process.stop.abort();
  const missedMs = await world.clock.passUntil(() => world.runners.phase(runnerId) === RunnerPhase.INACTIVE, 120_000);
  expect(missedMs).toBeGreaterThan(30_000);
  expect(missedMs).toBeLessThanOrEqual(105_000);
});

test("what a runner says of its health is shown until it says otherwise", async () => {
  const process = world.run(await world.enrol(plane, runnerId));
  await world.clock.until(() => process.isConnected);
  await process.runner.link.updateStatus({ degredationMessage: "its disk is nearly full" }, process.stop.signal);
  expect(world.runners.runners.get(runnerId)?.runner.status).toMatchObject({
    phase: RunnerPhase.DEGRADED,
    message: "its disk is nearly full",
  });
  await world.clock.pass(60_000);
  expect(world.runners.phase(runnerId)).toBe(RunnerPhase.DEGRADED);
  await process.runner.link.updateStatus({ degredationMessage: "" }, process.stop.signal);
  expect(world.runners.phase(runnerId)).toBe(RunnerPhase.ACTIVE);
});

test("a runner whose credentials were taken back ends", async () => {
  const process = world.run(await world.enrol(plane, runnerId));
  await world.clock.until(() => process.isConnected);
  await plane.plane.enrolment.revoke(runnerId);
  await plane.plane.hub.disconnect(runnerId, { exceptSession: undefined });
  await world.clock.passUntil(() => process.runner.link.state.kind === "ended", 5_000);
  expect(await codeOf(process.ended.then((error) => Promise.reject(error)))).toBe("credential-invalid");
});
