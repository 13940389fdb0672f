import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { silentLog } from "../../src/lib/log.ts";
import { findImage } from "../../src/vm/image/find-image.ts";
import { QemuDriver } from "../../src/vm/qemu/qemu-driver.ts";
import { driverSuite } from "./driver-suite.ts";
import { deafImage, hasImage, imagesFolder } from "./images.ts";
import { whenDockerReady } from "./machine-exec.ts";

const processSchema = z.object({ pid: z.number() });
const memoryBytes = 2 * 1024 ** 3;
/** Unpacking the image takes minutes, emulated. */
const containerTimeoutMs = 20 * 60_000;

function make(folder: string): QemuDriver {
  mkdirSync(join(folder, "machines"), { recursive: true });
  return new QemuDriver({
    machinesFolder: join(folder, "machines"),
    runFolder: join(folder, "r"),
    arch: "arm64",
    log: silentLog,
    env: process.env,
  });
}

if (hasImage("arm64")) {
  driverSuite("qemu on arm64", {
    make,
    image: async () => findImage(imagesFolder, "arm64"),
    deafImage: async (folder) => deafImage(folder, "arm64"),
    killBehind: async (folder, id) =>
      void process.kill(processSchema.parse(JSON.parse(readFileSync(join(folder, "machines", id, "qemu.json"), "utf8"))).pid, "SIGKILL"),
    diskBytes: (folder, id) => statSync(join(folder, "machines", id, "data.raw")).size,
    memoryBytes,
  });

  test("an arm64 machine runs a container of the default image", { timeout: containerTimeoutMs }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "berth-arm64-"));
    const driver = make(folder);
    const signal = AbortSignal.timeout(containerTimeoutMs);
    try {
      const image = await findImage(imagesFolder, "arm64");
      await driver.start({ id: "m", image, cpus: 2, memoryBytes, dataDiskLimitBytes: 8 * 1024 ** 3 }, signal);
      const machine = await whenDockerReady(driver, "m", signal);
      const loaded = await machine.run("docker load -q -i /usr/share/berth/devcontainer-image.tar");
      const name = /Loaded image: (\S+)/.exec(loaded)?.[1] ?? "";
      expect(await machine.run(`docker run --rm ${name} sh -c 'uname -m; git --version'`)).toMatch(/^aarch64\ngit version /);
      machine.close();
    } finally {
      await driver.kill("m");
      rmSync(folder, { recursive: true, force: true });
    }
  });
} else
  describe.skip("qemu on arm64 (there is no arm64 image: npm run test:arm64 builds it)", () => test("the driver's suite", () => undefined));
