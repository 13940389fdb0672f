import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { EnvironmentStore } from "../../../src/contract/engine-port.ts";
import { type Environment, EnvironmentPhase } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { SimulatedComputer } from "../../../src/vm/simulated/simulated-driver.ts";
import { RunnerEngine } from "./runner-engine.ts";
import { memoryCache, type PlaneProcess, RunnerWorld } from "./runner-world.ts";

const { RUNNING, STOPPED, DELETED } = EnvironmentPhase;
const session = "01900000-0000-7000-8000-000000000001";

let world: RunnerWorld;
let plane: PlaneProcess;
let runnerId: string;
let folder: string;
let computer: SimulatedComputer;
const engines: RunnerEngine[] = [];

beforeEach(async () => {
  world = new RunnerWorld();
  plane = await world.startPlane();
  runnerId = world.runners.addRunner();
  folder = mkdtempSync(join(tmpdir(), "berth-remote-engine-"));
  computer = new SimulatedComputer();
});

afterEach(async () => {
  for (const engine of engines.splice(0)) engine.stop();
  await world.close();
  for (const id of computer.machines.keys()) computer.end(id, "killed", "");
  rmSync(folder, { recursive: true, force: true });
});

function addEnvironment(): string {
  return world.runners.addEnvironment(runnerId, {
    desiredPhase: RUNNING,
    machine: { session },
    content: { session, initializer: { specs: [{ spec: { case: "contextUrl", value: { url: "https://simulated.test/web.git" } } }] } },
    devcontainer: { session },
  });
}

async function startEngine(store: EnvironmentStore): Promise<RunnerEngine> {
  const engine = new RunnerEngine(store, folder, computer);
  engines.push(engine);
  await engine.start();
  return engine;
}

function wish(id: string, phase: EnvironmentPhase): void {
  world.runners.changeSpec(id, ({ spec }: Environment) => {
    if (spec !== undefined) spec.desiredPhase = phase;
  });
}

function phaseAtPlane(id: string): EnvironmentPhase | undefined {
  return world.runners.environmentsById.get(id)?.status?.phase;
}

test("the engine carries out what a remote plane wants, through its outages", async () => {
  const id = addEnvironment();
  const process = world.run(await world.enrol(plane, runnerId));
  await world.clock.until(() => process.isConnected);
  const engine = await startEngine(process.runner.environmentStore);
  await world.clock.until(() => phaseAtPlane(id) === RUNNING);
  expect(world.runners.environment(id).status?.runnerAck?.specVersion).toBe(1n);

  // The plane is away: what runs is kept running, and a crash is got over.
  await plane.kill();
  await world.clock.passUntil(() => process.runner.link.state.kind === "offline", 10_000);
  const bootId = engine.machines.shared.keeper.hello?.bootId;
  computer.end("default", "crashed", "by the test");
  await world.clock.until(() => {
    const { keeper } = engine.machines.shared;
    return keeper.hello !== undefined && keeper.hello.bootId !== bootId && keeper.environment(id)?.devcontainer !== undefined;
  });
  await world.clock.pass(120_000);

  // Somebody wanted it stopped meanwhile.
  wish(id, STOPPED);
  plane = await world.startPlane(plane.port);
  await world.clock.passUntil(() => process.isConnected, 60_000);
  await world.clock.until(() => phaseAtPlane(id) === STOPPED);
  expect(world.runners.environment(id).status?.runnerAck?.specVersion).toBe(2n);

  wish(id, DELETED);
  await world.hint(plane, id);
  await world.clock.until(() => !world.runners.environmentsById.has(id));
  expect(engine.machines.shared.keeper.environment(id)).toBeUndefined();
});

test("a runner that was killed adopts its machine, also while the plane is away", async () => {
  const id = addEnvironment();
  const state = await world.enrol(plane, runnerId);
  const cache = memoryCache();
  const first = world.run(state, { cache });
  await world.clock.until(() => first.isConnected);
  const before = await startEngine(first.runner.environmentStore);
  await world.clock.until(() => phaseAtPlane(id) === RUNNING && cache.environments !== undefined);
  const containerId = world.runners.environment(id).status?.devcontainer?.containerId;
  before.stop();
  first.stop.abort();
  await plane.kill();

  const second = world.run(state, { cache });
  await startEngine(second.runner.environmentStore);
  await world.clock.until(async () => (await second.runner.environmentStore.get(id))?.status?.phase === RUNNING);
  expect((await second.runner.environmentStore.get(id))?.status?.devcontainer?.containerId).toBe(containerId);
  plane = await world.startPlane(plane.port);
  await world.clock.passUntil(() => second.isConnected && second.runner.pendingCount() === 0, 60_000);
  expect(phaseAtPlane(id)).toBe(RUNNING);
});
