import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "vitest";
import { z } from "zod";
import { silentLog } from "../../src/lib/log.ts";
import { findImage } from "../../src/vm/image/find-image.ts";
import { QemuDriver } from "../../src/vm/qemu/qemu-driver.ts";
import { driverSuite } from "./driver-suite.ts";
import { deafImage, hasImage, imagesFolder } from "./images.ts";

const processSchema = z.object({ pid: z.number() });

if (hasImage("arm64"))
  driverSuite("qemu on arm64", {
    make: (folder) => {
      mkdirSync(join(folder, "machines"), { recursive: true });
      return new QemuDriver({
        machinesFolder: join(folder, "machines"),
        runFolder: join(folder, "r"),
        arch: "arm64",
        log: silentLog,
        env: process.env,
      });
    },
    image: async () => findImage(imagesFolder, "arm64"),
    deafImage: async (folder) => deafImage(folder, "arm64"),
    killBehind: async (folder, id) =>
      void process.kill(processSchema.parse(JSON.parse(readFileSync(join(folder, "machines", id, "qemu.json"), "utf8"))).pid, "SIGKILL"),
    memoryBytes: 2 * 1024 ** 3,
  });
else
  describe.skip("qemu on arm64 (there is no arm64 image: npm run test:arm64 builds it)", () => test("the driver's suite", () => undefined));
