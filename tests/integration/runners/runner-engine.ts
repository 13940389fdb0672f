import { join } from "node:path";
import type { EnvironmentStore } from "../../../src/contract/engine-port.ts";
import { Engine } from "../../../src/engine/engine.ts";
import { MachineKeeper } from "../../../src/engine/machine-keeper.ts";
import { Machines } from "../../../src/engine/machines.ts";
import { silentLog } from "../../../src/lib/log.ts";
import { type SimulatedComputer, SimulatedDriver } from "../../../src/vm/simulated/simulated-driver.ts";

/** The engine of a runner on a simulated computer; its machine outlives it. */
export class RunnerEngine {
  readonly machines: Machines;
  readonly #engine: Engine;

  constructor(store: EnvironmentStore, folder: string, computer: SimulatedComputer) {
    const driver = new SimulatedDriver({ machinesFolder: join(folder, "machines"), computer });
    const image = { sha256: "simulated", arch: "amd64", kernelPath: "", initrdPath: "", rootPath: "" } as const;
    const size = { cpus: 2, memoryBytes: 1024 ** 3, dataDiskLimitBytes: 1024 ** 3 };
    this.machines = new Machines({
      driver,
      log: silentLog,
      isDedicated: () => false,
      make: (id) => new MachineKeeper({ driver, id, spec: async () => ({ id, image, ...size }), log: silentLog, now: () => Date.now() }),
    });
    this.#engine = new Engine({ store, machines: this.machines, log: silentLog, authorizedKeys: async () => [] });
  }

  async start(): Promise<void> {
    await this.#engine.start();
  }

  stop(): void {
    this.#engine.stop();
    this.machines.close();
  }
}
