import { spawn } from "node:child_process";
import { constants } from "node:os";
import { BerthError } from "../contract/berth-error.ts";

const sshFailedExitCode = 255;
const signalExitBase = 128;

/** Runs ssh on this terminal and gives its exit code. Fails with `ssh-failed` where there is none. */
export async function runSsh(args: readonly string[]): Promise<number> {
  const child = spawn("ssh", args, { stdio: "inherit" });
  // A terminal's Ctrl-C reaches ssh too, which puts the terminal back and tells how it ended.
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  return new Promise((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) =>
      reject(new BerthError("ssh-failed", error.code === "ENOENT" ? "ssh is not installed" : error.message)),
    );
    child.once("close", (code, signal) =>
      resolve(code ?? (signal === null ? sshFailedExitCode : signalExitBase + constants.signals[signal])),
    );
  });
}
