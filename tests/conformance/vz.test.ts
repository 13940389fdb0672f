import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "vitest";
import { z } from "zod";
import { silentLog } from "../../src/lib/log.ts";
import { findImage } from "../../src/vm/image/find-image.ts";
import { VzDriver } from "../../src/vm/vz/vz-driver.ts";
import { installFakeVfkit } from "../support/fake-vfkit/install.ts";
import { driverSuite } from "./driver-suite.ts";
import { deafImage, hasImage, imagesFolder } from "./images.ts";

const processSchema = z.object({ pid: z.number() });

function make(folder: string): VzDriver {
  mkdirSync(join(folder, "machines"), { recursive: true });
  return new VzDriver({
    machinesFolder: join(folder, "machines"),
    runFolder: join(folder, "r"),
    log: silentLog,
    env: { ...process.env, PATH: installFakeVfkit(join(folder, "bin")), BERTH_NETWORK: "nat" },
    rosetta: false,
  });
}

function pidOf(folder: string, id: string): number {
  return processSchema.parse(JSON.parse(readFileSync(join(folder, "machines", id, "vfkit.json"), "utf8"))).pid;
}

for (const arch of ["amd64", "arm64"] as const) {
  if (hasImage(arch))
    driverSuite(`vz on a vfkit that runs ${arch} under QEMU`, {
      make,
      image: async () => findImage(imagesFolder, arch),
      deafImage: async (folder) => deafImage(folder, arch),
      killBehind: async (folder, id) => void process.kill(pidOf(folder, id), "SIGKILL"),
      memoryBytes: 2 * 1024 ** 3,
    });
  else
    describe.skip(`vz on ${arch} (there is no ${arch} image: npm run image -- --arch ${arch})`, () =>
      test("the driver's suite", () => undefined));
}
