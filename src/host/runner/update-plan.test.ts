import { expect, test } from "vitest";
import {
  checkIntervalMs,
  healthLimitMs,
  maxTries,
  nextOpenMs,
  planUpdate,
  probationMs,
  type ChildView,
  type UpdateObservation,
  type UpdateStep,
} from "./update-plan.ts";
import type { UpdateState } from "./update-state.ts";

const startMs = Date.UTC(2026, 0, 1);
const restartMs = 1000;

/** How a version behaves when it runs. */
type Behaviour = "healthy" | "never-ready" | "ends" | "ends-later";

/** A runner's disk, clock and process, and a supervisor that does what is planned and may be killed after any step. */
class World {
  nowMs = startMs;
  state: UpdateState = { kind: "idle", checkedAtMs: startMs, message: "" };
  good = "1.0.0";
  current = "1.0.0";
  readonly behaviours: Readonly<Record<string, Behaviour>>;
  offered = "1.1.0";
  isAsked = false;
  window: UpdateObservation["window"];
  child: ChildView | undefined;
  readonly done: UpdateStep[] = [];

  constructor(behaviour: Behaviour) {
    this.behaviours = { "1.0.0": "healthy", "1.1.0": behaviour };
  }

  /** One step; waiting moves the clock. */
  step(): UpdateStep {
    const { nowMs, state, good, current, child, isAsked, window } = this;
    const step = planUpdate({ nowMs, state, good, current, child, isAsked, isChecking: false, hasFeed: true, window });
    if (step.kind !== "wait") this.done.push(step);
    switch (step.kind) {
      case "note":
        this.state = step.state;
        break;
      case "link-current":
        this.current = step.version;
        break;
      case "link-good":
        this.good = step.version;
        break;
      case "start":
        this.#start(step.version);
        break;
      case "try":
        this.state = step.state;
        this.#start(step.state.version);
        break;
      case "check":
        this.isAsked = false;
        this.state =
          this.state.kind === "rolled-back" && this.state.version === this.offered
            ? { ...this.state, checkedAtMs: nowMs }
            : { kind: "trying", checkedAtMs: nowMs, version: this.offered, tries: 0, needsLink: false };
        break;
      case "wait":
        this.#pass(step.untilMs);
    }
    return step;
  }

  /** The supervisor is killed, and its process with it; the disk stays. */
  kill(): void {
    this.child = undefined;
  }

  #start(version: string): void {
    const behaviour = this.behaviours[version] ?? "healthy";
    const ended = { reason: "it ended with code 1", restartAtMs: this.nowMs + restartMs };
    this.child = {
      version,
      startedAtMs: this.nowMs,
      healthySinceMs: behaviour === "healthy" || behaviour === "ends-later" ? this.nowMs + 1000 : undefined,
      ended: behaviour === "ends" ? ended : undefined,
    };
  }

  #pass(untilMs: number): void {
    this.nowMs = untilMs;
    if (this.child !== undefined && this.behaviours[this.child.version] === "ends-later")
      this.child = { ...this.child, ended: { reason: "it ended with code 1", restartAtMs: untilMs + restartMs } };
  }
}

function due(behaviour: Behaviour): World {
  const world = new World(behaviour);
  world.nowMs = startMs + checkIntervalMs;
  return world;
}

function settleFully(world: World): void {
  for (let steps = 0; steps < 60; steps++) {
    const before = world.state;
    const planned = world.step();
    if (planned.kind === "wait" && before.kind !== "trying" && world.done.some(({ kind }) => kind === "check")) return;
  }
  throw new Error("it does not settle");
}

test("a healthy version is tried beside the old one and becomes the good one", () => {
  const world = due("healthy");
  settleFully(world);
  expect(world).toMatchObject({ good: "1.1.0", current: "1.1.0", state: { kind: "idle" }, child: { version: "1.1.0" } });
  expect(world.done.map(({ kind }) => kind)).toEqual(["start", "check", "link-current", "try", "link-good", "note"]);
});

test.each<[Behaviour, RegExp]>([
  ["never-ready", /not healthy within 60 s/],
  ["ends", /ended with code 1/],
  ["ends-later", /ended with code 1/],
])("a version that is %s is taken back, and the old one runs again", (behaviour, reason) => {
  const world = due(behaviour);
  settleFully(world);
  expect(world).toMatchObject({ good: "1.0.0", current: "1.0.0", child: { version: "1.0.0", ended: undefined } });
  expect(world.state).toMatchObject({ kind: "rolled-back", version: "1.1.0", reason: expect.stringMatching(reason) as unknown });
});

test("a version that does not become healthy runs no longer than its limit", () => {
  const world = due("never-ready");
  while (world.state.kind !== "trying" || world.child?.version !== "1.1.0") world.step();
  const begunMs = world.nowMs;
  while (world.state.kind === "trying") world.step();
  expect(world.nowMs - begunMs).toBe(healthLimitMs);
});

test("a version becomes the good one only after it was healthy for a while", () => {
  const world = due("healthy");
  while (world.good !== "1.1.0") world.step();
  expect(world.nowMs - (world.child?.healthySinceMs ?? 0)).toBe(probationMs);
});

test("whichever step the supervisor is killed after, once, the update is carried through", () => {
  for (let killAfter = 1; killAfter <= 6; killAfter++) {
    const world = due("healthy");
    while (world.done.length < killAfter) world.step();
    world.kill();
    settleFully(world);
    expect({ killAfter, good: world.good, current: world.current, child: world.child?.version }).toEqual({
      killAfter,
      good: "1.1.0",
      current: "1.1.0",
      child: "1.1.0",
    });
  }
});

test("whichever step the supervisor is killed after, a bad version is taken back", () => {
  for (let killAfter = 1; killAfter <= 7; killAfter++) {
    const world = due("never-ready");
    while (world.done.length < killAfter) world.step();
    world.kill();
    settleFully(world);
    expect({ killAfter, good: world.good, current: world.current, child: world.child?.version }).toEqual({
      killAfter,
      good: "1.0.0",
      current: "1.0.0",
      child: "1.0.0",
    });
  }
});

test("at every moment the service starts from a version that proved itself", () => {
  for (const behaviour of ["healthy", "never-ready", "ends", "ends-later"] as const) {
    const world = due(behaviour);
    for (let steps = 0; steps < 12; steps++) {
      world.step();
      if (world.good === "1.1.0") expect(world.child?.healthySinceMs).toBeDefined();
    }
  }
});

test("a version under which the computer ends again and again is given up", () => {
  const world = due("never-ready");
  for (let lives = 0; lives <= maxTries; lives++) {
    while (world.state.kind !== "rolled-back" && world.done.at(-1)?.kind !== "try") world.step();
    world.done.push({ kind: "check" });
    world.kill();
  }
  settleFully(world);
  expect(world).toMatchObject({ good: "1.0.0", child: { version: "1.0.0" }, state: { kind: "rolled-back" } });
});

test("a version that was taken back is not tried again by itself", () => {
  const world = due("ends");
  settleFully(world);
  world.nowMs += checkIntervalMs;
  world.done.length = 0;
  settleFully(world);
  expect(world.done.map(({ kind }) => kind)).toEqual(["check"]);
});

test("a week passes between checks, unless a person asks", () => {
  const world = new World("healthy");
  world.step();
  const planned = world.step();
  expect(planned).toEqual({ kind: "wait", untilMs: startMs + checkIntervalMs });
  const asked = new World("healthy");
  asked.isAsked = true;
  asked.step();
  expect(asked.step().kind).toBe("check");
});

test("a process that ends is started again after a pause, whatever the hour", () => {
  const world = new World("healthy");
  world.step();
  world.child = {
    version: "1.0.0",
    startedAtMs: startMs,
    healthySinceMs: startMs,
    ended: { reason: "", restartAtMs: startMs + restartMs },
  };
  expect(world.step()).toEqual({ kind: "wait", untilMs: startMs + restartMs });
  expect(world.step()).toEqual({ kind: "start", version: "1.0.0" });
});

test.each([
  ["2026-01-01T21:30:00Z", { startHour: 22, endHour: 4 }, "2026-01-01T22:00:00.000Z"],
  ["2026-01-01T22:30:00Z", { startHour: 22, endHour: 4 }, "2026-01-01T22:30:00.000Z"],
  ["2026-01-01T03:59:59Z", { startHour: 22, endHour: 4 }, "2026-01-01T03:59:59.000Z"],
  ["2026-01-01T04:00:00Z", { startHour: 22, endHour: 4 }, "2026-01-01T22:00:00.000Z"],
  ["2026-01-31T23:10:00Z", { startHour: 2, endHour: 6 }, "2026-02-01T02:00:00.000Z"],
])("from %s the window %o opens at %s", (from, window, opens) => {
  expect(new Date(nextOpenMs(Date.parse(from), window)).toISOString()).toBe(opens);
});
