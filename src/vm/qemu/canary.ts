import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A guest that works ends in a few milliseconds; one that is interpreted takes far longer or never ends. */
const canaryLimitMs = 1500;
const exitPort = 0xf4;
/** isa-debug-exit makes QEMU's exit code (value << 1) | 1. */
const exitValue = 0x10;
const canaryExitCode = (exitValue << 1) | 1;

/**
 * A boot sector in 16-bit code: counts 2^20 loops and ends QEMU. Real hardware needs about a millisecond;
 * a hypervisor that interprets every instruction needs seconds.
 */
export function canaryBootSector(): Uint8Array {
  const code = [
    0xfa, //                   cli
    0xba,
    0x10,
    0x00, //       mov dx, 16
    0xb9,
    0xff,
    0xff, //  outer: mov cx, 0xffff
    0x49, //              inner: dec cx
    0x75,
    0xfd, //             jnz inner
    0x4a, //                   dec dx
    0x75,
    0xf7, //             jnz outer
    0xb0,
    exitValue, //        mov al, exitValue
    0xe6,
    exitPort, //         out exitPort, al
    0xf4, //                   hlt
    0xeb,
    0xfd, //             jmp to hlt
  ];
  const sector = new Uint8Array(512);
  sector.set(code);
  sector.set([0x55, 0xaa], 510);
  return sector;
}

/** Runs the canary under an accelerator and tells whether it made progress in time. */
export async function canarySings(qemu: string, accelerator: string, signal: AbortSignal): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), "berth-canary-"));
  try {
    await writeFile(join(folder, "sector"), canaryBootSector());
    const child = spawn(
      qemu,
      [
        "-nodefaults",
        "-no-user-config",
        "-display",
        "none",
        "-no-reboot",
        "-machine",
        "pc",
        "-accel",
        accelerator,
        "-m",
        "4M",
        "-drive",
        `file=${join(folder, "sector")},format=raw,if=floppy,readonly=on`,
        "-boot",
        "a",
        "-device",
        `isa-debug-exit,iobase=${exitPort},iosize=4`,
      ],
      { stdio: "ignore", signal: AbortSignal.any([signal, AbortSignal.timeout(canaryLimitMs)]), killSignal: "SIGKILL" },
    );
    // A host that is told to stop meanwhile leaves nothing behind.
    const takeAlong = (): void => {
      child.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    };
    process.once("exit", takeAlong);
    return await new Promise<boolean>((resolve) => {
      child.once("error", () => resolve(false));
      child.once("close", (code) => resolve(code === canaryExitCode));
    }).finally(() => process.off("exit", takeAlong));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
