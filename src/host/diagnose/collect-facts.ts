import { readFile, statfs } from "node:fs/promises";
import { totalmem } from "node:os";
import { messageOf } from "../../lib/log.ts";
import { hostImageArch, findImage } from "../../vm/image/find-image.ts";
import { findProgram } from "../../lib/find-program.ts";
import type { HostParts } from "../create-host.ts";
import { imagesFolder } from "../settings.ts";
import { version } from "../../lib/version.ts";
import type { Facts } from "./diagnose.ts";

const usageTimeoutMs = 2000;

/** Looks at everything a diagnosis is made from; what cannot be seen is left out rather than guessed. */
export async function collectFacts(
  { driver, machines, plane, imagesOf, paths, sshFiles }: HostParts,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Facts> {
  const machine = machines.shared.keeper;
  const space = await statfs(paths.home);
  const inside =
    machine.view === "ready"
      ? await machine
          .agent()
          .getUsage({}, { timeoutMs: usageTimeoutMs })
          .catch(() => undefined)
      : undefined;
  return {
    version,
    nodeVersion: process.versions.node,
    home: paths.home,
    driver: driver.name,
    probe: await driver.probe(signal),
    memoryBytes: totalmem(),
    availableMemoryBytes: await availableMemory(),
    freeDiskBytes: space.bavail * space.bsize,
    image: driver.name === "simulated" ? { sha256: "simulated" } : await imageFact(env),
    imageWarning: (await imagesOf(machines.shared).look()).warning,
    machine: { view: machine.view, failure: machine.failure ?? "", warnings: machine.warnings },
    ownMachines: machines.all.flatMap(({ id, environmentId, keeper }) =>
      environmentId === undefined
        ? []
        : [{ id, name: plane.nameOf(environmentId), view: keeper.view, failure: keeper.failure ?? "", warnings: keeper.warnings }],
    ),
    dataDisk:
      inside === undefined ? undefined : { totalBytes: Number(inside.dataDiskTotalBytes), freeBytes: Number(inside.dataDiskFreeBytes) },
    programs: Object.fromEntries(
      ["ssh", "ssh-keygen", "git", "tar", "passt"].map((name) => [name, findProgram(name, env["PATH"]) !== undefined]),
    ),
    needsPasst: process.platform === "linux" && driver.name === "qemu",
    sshWarning: sshFiles.warning,
  };
}

async function imageFact(env: NodeJS.ProcessEnv): Promise<Facts["image"]> {
  try {
    return { sha256: (await findImage(imagesFolder(env), hostImageArch())).sha256 };
  } catch (error) {
    return { failure: messageOf(error) };
  }
}

async function availableMemory(): Promise<number | undefined> {
  const text = await readFile("/proc/meminfo", "utf8").catch(() => "");
  const kib = /^MemAvailable:\s+(\d+) kB/m.exec(text)?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}
