import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { say } from "./progress.ts";

const binfmtFolder = "/proc/sys/fs/binfmt_misc";

/**
 * Lets this kernel run the programs of another architecture (`npm run image -- --arch arm64` on an x86 computer):
 * their installation scripts run in the image's tree. A distribution registers the emulator when it is installed,
 * unless there is no service manager; then it is done here, until the next boot.
 */
export function makeRunnable(arch: "amd64" | "arm64"): void {
  if (arch === (process.arch === "arm64" ? "arm64" : "amd64")) return;
  const cpu = arch === "arm64" ? "aarch64" : "x86_64";
  if (!existsSync(join(binfmtFolder, "register"))) spawnSync("mount", ["-t", "binfmt_misc", "binfmt_misc", binfmtFolder]);
  if (isRegistered(cpu)) return;
  const rule = ["/usr/lib/binfmt.d", "/etc/binfmt.d"].map((folder) => join(folder, `qemu-${cpu}.conf`)).find((path) => existsSync(path));
  const install = `an ${arch} image on this computer needs QEMU's user emulation; try: sudo apt-get install qemu-user-static`;
  if (rule === undefined) throw new Error(install);
  try {
    writeFileSync(join(binfmtFolder, "register"), readFileSync(rule, "utf8").trim());
  } catch (error) {
    throw new Error(`${install} (the kernel did not take the emulator: ${String(error)})`, { cause: error });
  }
  say(`the kernel runs ${arch} programs with QEMU until the next boot`);
}

/** A handler must be fixed (F): its emulator is not there inside the image's tree. */
function isRegistered(cpu: string): boolean {
  if (!existsSync(binfmtFolder)) return false;
  return readdirSync(binfmtFolder)
    .filter((name) => name !== "register" && name !== "status")
    .map((name) => readFileSync(join(binfmtFolder, name), "utf8"))
    .some((text) => text.startsWith("enabled") && text.includes(cpu) && /^flags: .*F/m.test(text));
}
