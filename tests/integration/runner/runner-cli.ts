import { spawn } from "node:child_process";
import { join } from "node:path";
import { RunningCommand } from "../cli-home.ts";

const appFolder = join(import.meta.dirname, "../../../.cache/app");

/** The command line as people run it, with nothing of this process's environment but the path. */
export function spawnBerth(args: readonly string[], env: NodeJS.ProcessEnv): RunningCommand {
  return new RunningCommand(
    spawn(process.execPath, [join(appFolder, "berth.mjs"), ...args], {
      env: { PATH: process.env["PATH"], TERM: "xterm", ...env },
      stdio: "pipe",
    }),
  );
}
