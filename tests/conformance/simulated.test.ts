import { readFileSync } from "node:fs";
import { join } from "node:path";
import { failBootImage } from "../../src/vm/simulated/sentinels.ts";
import { SimulatedComputer, SimulatedDriver } from "../../src/vm/simulated/simulated-driver.ts";
import { driverSuite } from "./driver-suite.ts";

const computer = new SimulatedComputer();
const image = { arch: "amd64", kernelPath: "", initrdPath: "", rootPath: "" } as const;

driverSuite("simulated", {
  make: (folder) => new SimulatedDriver({ machinesFolder: join(folder, "machines"), computer }),
  image: async () => ({ ...image, sha256: "simulated" }),
  deafImage: async () => ({ ...image, sha256: failBootImage }),
  killBehind: async (_folder, id) => computer.end(id, "crashed", "killed by the test"),
  diskBytes: (folder, id) => Number(readFileSync(join(folder, "machines", id, "limit"), "utf8")),
  memoryBytes: 1024 ** 3,
});
