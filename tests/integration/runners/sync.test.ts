import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BerthError } from "../../../src/contract/berth-error.ts";
import { EnvironmentPhase } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { fileEnvironmentCache } from "../../../src/bridge/runner/environment-cache.ts";
import { enrolRunner } from "../../../src/bridge/runner/enrol.ts";
import { fileRunnerState, type RunnerState } from "../../../src/bridge/runner/runner-state.ts";
import { silentLog } from "../../../src/lib/log.ts";
import { sealTo } from "../../../src/lib/sealed-box.ts";
import { StallingProxy } from "../../support/stalling-proxy.ts";
import { memoryCache, type PlaneProcess, type RunnerProcess, RunnerWorld } from "./runner-world.ts";

let world: RunnerWorld;
let plane: PlaneProcess;
let runnerId: string;
let state: RunnerState;
const proxies: StallingProxy[] = [];
const principalId = "000000bb-0000-7000-8000-000000000001";
const { signal } = new AbortController();

beforeEach(async () => {
  world = new RunnerWorld();
  plane = await world.startPlane();
  runnerId = world.runners.addRunner();
});

afterEach(async () => {
  for (const proxy of proxies.splice(0)) await proxy.close();
  await world.close();
});

async function connected(options: { readonly port?: number } = {}): Promise<RunnerProcess> {
  state = await world.enrol(plane, runnerId, options.port);
  const process = world.run(state);
  await world.clock.until(() => process.isConnected);
  return process;
}

async function behindProxy(): Promise<{ readonly proxy: StallingProxy; readonly process: RunnerProcess }> {
  const proxy = await StallingProxy.start(plane.port);
  proxies.push(proxy);
  return { proxy, process: await connected({ port: proxy.port }) };
}

async function namesOf(process: RunnerProcess): Promise<string[]> {
  return (await process.runner.environmentStore.list()).map(({ metadata }) => metadata?.name ?? "");
}

async function phaseOf(process: RunnerProcess, id: string): Promise<EnvironmentPhase | undefined> {
  return (await process.runner.environmentStore.get(id))?.spec?.desiredPhase;
}

function stop(id: string): void {
  world.runners.changeSpec(id, ({ spec }) => {
    if (spec !== undefined) spec.desiredPhase = EnvironmentPhase.STOPPED;
  });
}

test("the engine sees what the plane wants of this runner, over several pages, and nothing of other runners", async () => {
  const ids = Array.from({ length: 8 }, () => world.runners.addEnvironment(runnerId));
  world.runners.addEnvironment(world.runners.addRunner());
  const process = await connected();
  expect((await process.runner.environmentStore.list()).map(({ id }) => id)).toEqual(ids);
  expect(process.specChanges).toEqual(ids);
});

test("a change arrives by its hint, at once and once", async () => {
  const id = world.runners.addEnvironment(runnerId);
  const process = await connected();
  await process.runner.environmentStore.list();
  process.specChanges.length = 0;
  stop(id);
  await world.hint(plane, id);
  await world.clock.until(() => process.specChanges.length > 0);
  expect(await phaseOf(process, id)).toBe(EnvironmentPhase.STOPPED);
  await world.clock.pass(120_000);
  expect(process.specChanges).toEqual([id]);
});

test("what a lost hint left undone is done within a minute", async () => {
  const id = world.runners.addEnvironment(runnerId);
  const process = await connected();
  await process.runner.environmentStore.list();
  world.fanOut.isLossy = true;
  stop(id);
  const newId = world.runners.addEnvironment(runnerId);
  await world.hint(plane, id);
  await world.hint(plane, newId);
  const healedMs = await world.clock.passUntil(async () => (await phaseOf(process, id)) === EnvironmentPhase.STOPPED, 70_000);
  expect(healedMs).toBeGreaterThan(1_000);
  expect(healedMs).toBeLessThanOrEqual(62_000);
  expect(await phaseOf(process, newId)).toBe(EnvironmentPhase.RUNNING);
});

test("a status says which version of the spec it was made from", async () => {
  const id = world.runners.addEnvironment(runnerId);
  const process = await connected();
  await process.runner.environmentStore.list();
  stop(id);
  await world.hint(plane, id);
  await world.clock.passUntil(async () => (await phaseOf(process, id)) === EnvironmentPhase.STOPPED, 2_000);
  await process.observe(id, "stopping");
  await world.clock.passUntil(() => world.statusOf(id) === "stopping", 2_000);
  expect(world.runners.environment(id).status?.runnerAck?.specVersion).toBe(2n);
});

test("a status that did not change is not sent again", async () => {
  const id = world.runners.addEnvironment(runnerId);
  const process = await connected();
  await process.runner.environmentStore.list();
  for (const message of ["a", "a", "b"]) {
    await process.observe(id, message);
    await world.clock.passUntil(() => process.runner.pendingCount() === 0, 2_000);
  }
  await world.clock.pass(180_000);
  expect(world.runners.written.map(({ message }) => message)).toEqual(["a", "b"]);
});

test("while the plane is away the newest status of each environment waits, and nothing of it is lost", async () => {
  const ids = Array.from({ length: 4 }, () => world.runners.addEnvironment(runnerId));
  const process = await connected();
  await process.runner.environmentStore.list();
  await plane.kill();
  await world.clock.passUntil(() => process.runner.link.state.kind === "offline", 5_000);
  for (let minute = 0; minute < 5; minute++) {
    for (const id of ids) await process.observe(id, `minute ${minute}`);
    await world.clock.pass(60_000);
  }
  expect(process.runner.pendingCount()).toBe(4);
  expect(await namesOf(process)).toHaveLength(4);
  stop(ids[0]!);
  plane = await world.startPlane(plane.port);
  await world.clock.passUntil(() => process.isConnected && process.runner.pendingCount() === 0, 45_000);
  expect(ids.map((id) => world.statusOf(id))).toEqual(ids.map(() => "minute 4"));
  expect(world.runners.written).toHaveLength(4);
  expect(await phaseOf(process, ids[0]!)).toBe(EnvironmentPhase.STOPPED);
});

test("a server that is killed again and again loses nothing", async () => {
  const ids = Array.from({ length: 4 }, () => world.runners.addEnvironment(runnerId));
  const process = await connected();
  await process.runner.environmentStore.list();
  for (let round = 0; round < 5; round++) {
    for (const id of ids) await process.observe(id, `round ${round}`);
    await plane.kill();
    stop(ids[round % 4]!);
    plane = await world.startPlane(plane.port);
    for (const id of ids) await process.observe(id, `round ${round}, later`);
    await world.clock.passUntil(() => process.isConnected && process.runner.pendingCount() === 0, 60_000);
    expect(ids.map((id) => world.statusOf(id))).toEqual(ids.map(() => `round ${round}, later`));
    await world.clock.passUntil(async () => {
      const known = await process.runner.environmentStore.list();
      return known.every(({ id, spec }) => spec?.specVersion === world.runners.environment(id).spec?.specVersion);
    }, 65_000);
  }
});

test("a connection that carries nothing any more is found out and made anew", async () => {
  const id = world.runners.addEnvironment(runnerId);
  const { proxy, process } = await behindProxy();
  await process.runner.environmentStore.list();
  proxy.stall();
  await process.observe(id, "while nothing arrived");
  const noticedMs = await world.clock.passUntil(() => process.runner.link.state.kind === "offline", 60_000);
  expect(noticedMs).toBeLessThanOrEqual(47_000);
  await world.clock.passUntil(() => plane.plane.hub.streamCount === 0, 60_000);
  stop(id);
  await world.clock.pass(180_000);
  proxy.resume();
  await world.clock.passUntil(() => process.isConnected && process.runner.pendingCount() === 0, 60_000);
  expect(world.statusOf(id)).toBe("while nothing arrived");
  await world.clock.passUntil(async () => (await phaseOf(process, id)) === EnvironmentPhase.STOPPED, 5_000);
});

test("a status that arrives minutes late does not stay in place of a newer one", async () => {
  const id = world.runners.addEnvironment(runnerId);
  const { proxy, process } = await behindProxy();
  await process.runner.environmentStore.list();
  proxy.stallOld();
  await process.observe(id, "old");
  await world.clock.passUntil(() => world.statusOf(id) === "old", 60_000);
  await process.observe(id, "new");
  await world.clock.passUntil(() => world.statusOf(id) === "new", 60_000);
  await world.clock.pass(180_000);
  // Only now does the connection that was given up give what it held back.
  proxy.resume();
  await world.clock.until(() => world.statusOf(id) === "old");
  await world.clock.passUntil(() => world.statusOf(id) === "new", 65_000);
});

test("one call that is not answered leaves the connection to the others", async () => {
  const process = await connected();
  const states: string[] = [];
  process.runner.link.onState(({ kind }) => states.push(kind));
  world.runners.settings.hostToken = async () => new Promise(() => undefined);
  let code: string | undefined;
  void process.runner.environmentStore.openHostCredential(principalId, "github.com").catch((error: unknown) => {
    code = error instanceof BerthError ? error.code : String(error);
  });
  await world.clock.passUntil(() => code !== undefined, 30_000);
  expect(code).toBe("plane-unreachable");
  await world.clock.pass(5_000);
  expect(states).toEqual([]);
});

test("a stream over which nothing comes is made anew, though calls are answered", async () => {
  state = await world.enrol(plane, runnerId);
  await plane.kill();
  plane = await world.startPlane(plane.port, { isStreamMute: true });
  const process = world.run(state);
  await world.clock.passUntil(() => process.runner.link.state.kind === "offline", 50_000);
  await plane.kill();
  plane = await world.startPlane(plane.port);
  await world.clock.passUntil(() => process.isConnected, 60_000);
});

test("an environment that was deleted is forgotten by the plane when the runner has done it, also across an outage", async () => {
  const id = world.runners.addEnvironment(runnerId);
  const other = world.runners.addEnvironment(runnerId);
  const process = await connected();
  const { environmentStore } = process.runner;
  await environmentStore.list();
  world.runners.changeSpec(id, ({ spec }) => {
    if (spec !== undefined) spec.desiredPhase = EnvironmentPhase.DELETED;
  });
  await world.hint(plane, id);
  await world.clock.passUntil(async () => (await phaseOf(process, id)) === EnvironmentPhase.DELETED, 2_000);
  await plane.kill();
  await environmentStore.remove(id);
  expect(await environmentStore.get(id)).toBeUndefined();
  await world.clock.pass(120_000);
  plane = await world.startPlane(plane.port);
  await world.clock.passUntil(() => !world.runners.environmentsById.has(id), 60_000);
  await world.clock.pass(120_000);
  expect(await namesOf(process)).toEqual([world.runners.environment(other).metadata?.name]);
});

test("an environment that the plane lost is stopped and kept, and goes on when the plane has it again", async () => {
  const id = world.runners.addEnvironment(runnerId);
  const process = await connected();
  await process.runner.environmentStore.list();
  const lost = world.runners.environment(id);
  world.runners.environmentsById.delete(id);
  await world.clock.passUntil(() => process.runner.environmentStore.orphanIds.includes(id), 65_000);
  expect(await phaseOf(process, id)).toBe(EnvironmentPhase.STOPPED);
  await process.observe(id, "stopped");
  await world.clock.pass(120_000);
  expect(await phaseOf(process, id)).toBe(EnvironmentPhase.STOPPED);
  world.runners.environmentsById.set(id, lost);
  await world.clock.passUntil(async () => (await phaseOf(process, id)) === EnvironmentPhase.RUNNING, 65_000);
  expect(process.runner.environmentStore.orphanIds).toEqual([]);
});

test("a plane that was set up anew from an older backup is followed", async () => {
  const id = world.runners.addEnvironment(runnerId);
  const process = await connected();
  await process.runner.environmentStore.list();
  await process.observe(id, "before");
  await world.clock.until(() => world.statusOf(id) === "before");
  const backup = world.runners.environment(id);
  await process.observe(id, "after");
  await world.clock.until(() => world.statusOf(id) === "after");
  stop(id);
  await world.hint(plane, id);
  await world.clock.passUntil(async () => (await phaseOf(process, id)) === EnvironmentPhase.STOPPED, 2_000);
  await plane.kill();
  world.runners.environmentsById.set(id, backup);
  plane = await world.startPlane(plane.port);
  await world.clock.passUntil(async () => (await phaseOf(process, id)) === EnvironmentPhase.RUNNING, 60_000);
  await world.clock.passUntil(() => world.statusOf(id) === "after", 5_000);
});

test("a runner that starts while the plane is away works with what it knew last", async () => {
  const id = world.runners.addEnvironment(runnerId);
  state = await world.enrol(plane, runnerId);
  const cache = memoryCache();
  const first = world.run(state, { cache });
  await world.clock.until(() => first.isConnected && cache.environments?.length === 1);
  first.stop.abort();
  await plane.kill();
  const second = world.run(state, { cache });
  expect((await second.runner.environmentStore.list()).map((environment) => environment.id)).toEqual([id]);
  await second.observe(id, "adopted");
  await world.clock.pass(60_000);
  plane = await world.startPlane(plane.port);
  await world.clock.passUntil(() => world.statusOf(id) === "adopted", 60_000);
});

test("what is kept on the disk is for its owner alone, and the environments without credentials", async () => {
  const folder = mkdtempSync(join(tmpdir(), "berth-runner-"));
  const statePath = join(folder, "runner.json");
  const cachePath = join(folder, "environments.bin");
  const planeUrl = `http://127.0.0.1:${plane.port}`;
  const exchangeToken = await plane.plane.enrolment.issueExchangeToken(runnerId);
  const states = fileRunnerState(statePath);
  const enrolled = await enrolRunner({ planeUrl, exchangeToken, state: states, clock: world.clock }, signal);
  expect(await states.load()).toEqual({ ...enrolled, keyPair: expect.anything() });
  // A second exchange fails, and leaves what works.
  await expect(enrolRunner({ planeUrl, exchangeToken, state: states, clock: world.clock }, signal)).rejects.toBeInstanceOf(BerthError);
  const loaded = await states.load();
  expect(loaded?.accessToken).toBe(enrolled.accessToken);
  if (loaded === undefined) throw new Error("the state is gone");
  const id = world.runners.addEnvironment(runnerId);
  const cache = fileEnvironmentCache(cachePath, silentLog);
  const process = world.run(loaded, { cache });
  await world.clock.until(async () => (await cache.load())?.length === 1);
  expect(readFileSync(cachePath).includes(`environment ${id}`)).toBe(false);
  for (const path of [statePath, cachePath]) expect(statSync(path).mode & 0o777).toBe(0o600);
  process.stop.abort();
  await process.ended;
  rmSync(folder, { recursive: true });
});

test("secrets are read as the environment, and what was read serves while the plane is away", async () => {
  const secretId = "000000cc-0000-7000-8000-000000000001";
  const secrets = [
    { id: secretId, name: "TOKEN", mount: { case: "environmentVariable", value: "TOKEN" } as const },
    { id: "000000cc-0000-7000-8000-000000000002", name: "FILE", mount: { case: "filePath", value: "/run/file" } as const },
  ];
  const id = world.runners.addEnvironment(runnerId, { secrets });
  const process = await connected();
  const { environmentStore } = process.runner;
  await environmentStore.list();
  const open = await environmentStore.openSecrets(id);
  expect(open).toEqual([
    { name: "TOKEN", value: `value of ${secretId}`, mount: { kind: "environmentVariable", name: "TOKEN" } },
    { name: "FILE", value: "value of 000000cc-0000-7000-8000-000000000002", mount: { kind: "file", path: "/run/file" } },
  ]);
  await plane.kill();
  expect(await environmentStore.openSecrets(id)).toEqual(open);
});

test("a token for a host opens with the runner's key alone", async () => {
  const process = await connected();
  const { environmentStore } = process.runner;
  const put = async (publicKey: Uint8Array, host: string) =>
    world.runners.hostTokens.set(`${runnerId} ${principalId} ${host}`, {
      tokenId: "000000dd-0000-7000-8000-000000000001",
      sealedValue: await sealTo(publicKey, "ghp_secret"),
      sealedRefreshToken: new Uint8Array(),
      expiresAtMs: world.clock.nowMs() + 60_000,
    });
  const own = world.runners.runners.get(runnerId)?.runner.status?.publicKey ?? new Uint8Array();
  await put(own, "github.com");
  expect(await environmentStore.openHostCredential(principalId, "GitHub.com")).toEqual({ username: "oauth2", password: "ghp_secret" });
  expect(await environmentStore.openHostCredential(principalId, "gitlab.com")).toBeUndefined();
  await put(new Uint8Array(32).fill(9), "elsewhere.com");
  await expect(environmentStore.openHostCredential(principalId, "elsewhere.com")).rejects.toThrow();

  await plane.kill();
  expect((await environmentStore.openHostCredential(principalId, "github.com"))?.password).toBe("ghp_secret");
  await world.clock.pass(60_000);
  expect(await environmentStore.openHostCredential(principalId, "github.com")).toBeUndefined();
});

test("a deleted token for a host is not used any more", async () => {
  const process = await connected();
  const { environmentStore } = process.runner;
  const own = world.runners.runners.get(runnerId)?.runner.status?.publicKey ?? new Uint8Array();
  const key = `${runnerId} ${principalId} github.com`;
  const sealedValue = await sealTo(own, "ghp_secret");
  world.runners.hostTokens.set(key, { tokenId: principalId, sealedValue, sealedRefreshToken: new Uint8Array(), expiresAtMs: undefined });
  await environmentStore.openHostCredential(principalId, "github.com");
  world.runners.hostTokens.delete(key);
  await plane.plane.hub.hint(runnerId, { case: "eventHostAuthenticationTokenDeleted", value: { host: "github.com", principalId } });
  await world.clock.pass(500);
  await plane.kill();
  await expect(environmentStore.openHostCredential(principalId, "github.com")).rejects.toMatchObject({ code: "plane-unreachable" });
});
