import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { BerthError } from "../contract/berth-error.ts";
import { isSameProcess, type ProcessIdentity, signalProcess } from "../lib/process-identity.ts";
import { waitUntil } from "../lib/wait-until.ts";

const lastWordsLines = 3;
const killTimeoutMs = 10_000;
const killPollMs = 50;

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

/** `error` is set when the program could not be started. */
export function childFailure(child: ChildProcess): { error: Error | undefined } {
  const failed: { error: Error | undefined } = { error: undefined };
  child.once("error", (error) => (failed.error = error));
  return failed;
}

/** Kills a process, if it still lives, and waits until it is gone; fails with `hypervisor-failed`. */
export async function endProcess(identity: ProcessIdentity | undefined): Promise<void> {
  if (identity === undefined) return;
  signalProcess(identity, "SIGKILL");
  const gone = await waitUntil(() => !isSameProcess(identity), { intervalMs: killPollMs, signal: AbortSignal.timeout(killTimeoutMs) });
  if (!gone) throw new BerthError("hypervisor-failed", `process ${identity.pid} cannot be ended`);
}

/** What a program said last in its log, if anything. */
export function lastWords(logPath: string): string | undefined {
  const said = existsSync(logPath) ? readFileSync(logPath, "utf8").trim().split("\n").slice(-lastWordsLines).join(" ") : "";
  return said === "" ? undefined : said;
}

/** The arguments of a living process, separated by NUL (Linux) or blanks; fails when it cannot be told. */
export function commandLineOf(pid: number): string {
  if (process.platform === "linux") return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  return ps(pid, "command=");
}

const ticksPerSecond = 100;

/** Memory and processor time of a living process; fails when it has ended. */
export function processUsage(pid: number): { readonly residentMemoryBytes: number; readonly cpuTimeMs: number } {
  if (process.platform !== "linux") {
    const [residentKib = "0", time = "0"] = ps(pid, "rss=,time=").trim().split(/\s+/);
    return { residentMemoryBytes: Number(residentKib) * 1024, cpuTimeMs: millisecondsOf(time) };
  }
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    residentMemoryBytes: Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024,
    cpuTimeMs: ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond,
  };
}

/** Of ps's `[[hours:]minutes:]seconds[.hundredths]` (ps(1) of macOS). */
export function millisecondsOf(time: string): number {
  return Math.round(time.split(":").reduce((seconds, part) => seconds * 60 + Number(part), 0) * 1000);
}

function ps(pid: number, fields: string): string {
  return spawnSync("ps", ["-o", fields, "-p", String(pid)], { encoding: "utf8" }).stdout;
}
