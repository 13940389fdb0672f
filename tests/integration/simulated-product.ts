import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  EnvironmentInitializerSchema,
  type Environment,
  EnvironmentPhase,
  EnvironmentSpecSchema,
} from "../../src/contract/gen/gitpod/v1/environment_pb.js";
import { Engine, engineCalls } from "../../src/engine/engine.ts";
import { MachineKeeper } from "../../src/engine/machine-keeper.ts";
import { Machines } from "../../src/engine/machines.ts";
import { Templates } from "../../src/engine/templates.ts";
import { silentLog } from "../../src/lib/log.ts";
import { waitUntil } from "../../src/lib/wait-until.ts";
import { createPlane, type Plane } from "../../src/plane/create-plane.ts";
import type { MachineSpec } from "../../src/vm/driver.ts";
import { SimulatedComputer, SimulatedDriver } from "../../src/vm/simulated/simulated-driver.ts";

const sharedId = "default";
const pollMs = 5;
/** How soon an environment's own machine rests here. */
export const dedicatedIdleMs = 50;
/** Far more than it takes, since a computer may be busy with other things. */
const waitLimitMs = 50_000;

/** Plane, engine and a simulated computer, put together as the host does it, and ended as a host may be. */
export class SimulatedProduct {
  readonly folder = mkdtempSync(join(tmpdir(), "berth-simulated-"));
  readonly computer = new SimulatedComputer();
  readonly driver = new SimulatedDriver({ machinesFolder: join(this.folder, "machines"), computer: this.computer });
  imageSha256 = "simulated";
  #aheadMs = 0;
  #plane: Plane | undefined;
  #engine: Engine | undefined;
  #machines: Machines | undefined;

  get plane(): Plane {
    if (this.#plane === undefined) throw new Error("no host runs");
    return this.#plane;
  }

  get machines(): Machines {
    if (this.#machines === undefined) throw new Error("no host runs");
    return this.#machines;
  }

  /** The shared one. */
  get machine(): MachineKeeper {
    return this.machines.shared.keeper;
  }

  async startHost(): Promise<void> {
    this.#plane = await createPlane({
      databasePath: join(this.folder, "berth.db"),
      keyPath: join(this.folder, "key"),
      engineCalls,
      now: () => Date.now(),
      version: "test",
    });
    const templates = new Templates({ driver: this.driver, log: silentLog, now: () => Date.now() });
    this.#machines = new Machines({
      driver: this.driver,
      log: silentLog,
      isDedicated: (id) => this.#plane?.isDedicated(id) ?? false,
      make: (id) =>
        new MachineKeeper({
          driver: this.driver,
          id,
          spec: async () => this.specOf(id),
          log: silentLog,
          now: () => Date.now() + this.#aheadMs,
          ...(id === sharedId ? {} : { template: templates.get.bind(templates) }),
        }),
    });
    this.#engine = new Engine({
      store: this.#plane.environmentStore,
      machines: this.#machines,
      log: silentLog,
      authorizedKeys: async () => [],
      dedicatedIdleMs,
    });
    await this.#engine.start();
  }

  /** As `kill -9` does: nothing is told to anybody, the machine runs on. */
  killHost(): void {
    this.#engine?.stop();
    this.#machines?.close();
    void this.#plane?.close();
    this.#plane = undefined;
  }

  end(): void {
    if (this.#plane !== undefined) this.killHost();
    for (const id of this.computer.machines.keys()) this.computer.end(id, "killed", "");
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Moves the keeper's clock on. */
  advanceMs(durationMs: number): void {
    this.#aheadMs += durationMs;
  }

  crashMachine(id = sharedId): void {
    this.computer.end(id, "crashed", "by the test");
  }

  /** One with a machine of its own. */
  async createDedicated(sentinel: string): Promise<string> {
    return this.create(sentinel, this.plane.dedicatedClassId);
  }

  async create(sentinel: string, classId = ""): Promise<string> {
    const initializer = create(EnvironmentInitializerSchema, {
      specs: [{ spec: { case: "contextUrl", value: { url: `https://simulated.test/${sentinel}.git` } } }],
    });
    const spec = create(EnvironmentSpecSchema, {
      desiredPhase: EnvironmentPhase.RUNNING,
      machine: { class: classId },
      content: { initializer },
    });
    return (await this.plane.createEnvironment({ spec, name: "", annotations: {}, sessionId: "" }, AbortSignal.timeout(waitLimitMs))).id;
  }

  async wish(id: string, phase: EnvironmentPhase): Promise<void> {
    await this.plane.updateEnvironment(id, (draft) => {
      if (draft.spec !== undefined) draft.spec.desiredPhase = phase;
      // As StartEnvironment does: a new start is a new wish.
      if (draft.metadata !== undefined && phase === EnvironmentPhase.RUNNING) draft.metadata.lastStartedAt = timestampFromMs(Date.now());
    });
  }

  async get(id: string): Promise<Environment | undefined> {
    return this.plane.environmentStore.get(id);
  }

  /** Waits for a condition of an environment and gives it; fails with what it is instead. */
  async when(id: string, condition: (environment: Environment) => boolean): Promise<Environment> {
    let last: Environment | undefined;
    const held = await waitUntil(
      async () => {
        last = await this.get(id);
        return last !== undefined && condition(last);
      },
      { intervalMs: pollMs, signal: AbortSignal.timeout(waitLimitMs) },
    );
    if (!held || last === undefined)
      throw new Error(
        `the environment is ${last === undefined ? "gone" : JSON.stringify({ phase: EnvironmentPhase[last.status?.phase ?? 0], failure: last.status?.failureMessage, content: last.status?.content?.phase, devcontainer: last.status?.devcontainer?.phase })}; its machine is ${this.machines.of(id).view}`,
      );
    return last;
  }

  async whenPhase(id: string, phase: EnvironmentPhase): Promise<Environment> {
    return this.when(id, (e) => e.status?.phase === phase);
  }

  async whenGone(id: string): Promise<boolean> {
    return waitUntil(async () => (await this.get(id)) === undefined, { intervalMs: pollMs, signal: AbortSignal.timeout(waitLimitMs) });
  }

  /** Waits until the machine does a step of this name for an environment. */
  async whenStep(id: string, name: string): Promise<void> {
    const seen = await waitUntil(
      () =>
        this.machines
          .of(id)
          .environment(id)
          ?.jobs.some((job) => job.step === name) ?? false,
      {
        intervalMs: pollMs,
        signal: AbortSignal.timeout(waitLimitMs),
      },
    );
    if (!seen) throw new Error(`'${name}' was not begun`);
  }

  specOf(id: string): MachineSpec {
    return {
      id,
      image: { sha256: this.imageSha256, arch: "amd64", kernelPath: "", initrdPath: "", rootPath: "" },
      cpus: 2,
      memoryBytes: 1024 ** 3,
      dataDiskLimitBytes: 1024 ** 3,
    };
  }
}
