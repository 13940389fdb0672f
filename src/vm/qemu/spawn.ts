import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";

/** A process of its own session, so that neither a terminal's Ctrl-C nor this process's end reaches it. */
export function spawnDetached(program: string, args: readonly string[], logPath: string, env: NodeJS.ProcessEnv): ChildProcess {
  const log = openSync(logPath, "w", 0o600);
  try {
    return spawn(program, args, {
      detached: true,
      stdio: ["ignore", log, log],
      env: { PATH: env["PATH"] ?? "", HOME: env["HOME"] ?? "/" },
    });
  } finally {
    closeSync(log);
  }
}

/** Why the program could not be begun, once that is known. */
export function childFailure(child: ChildProcess): { error: Error | undefined } {
  const failed: { error: Error | undefined } = { error: undefined };
  child.once("error", (error) => (failed.error = error));
  return failed;
}

/** What a program said last in its log, if anything. */
export function lastWords(logPath: string): string | undefined {
  const said = existsSync(logPath) ? readFileSync(logPath, "utf8").trim().split("\n").slice(-3).join(" ") : "";
  return said === "" ? undefined : said;
}
