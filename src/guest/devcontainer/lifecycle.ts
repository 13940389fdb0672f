import { readFile } from "node:fs/promises";
import { posix } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { type DockerApi, signalExec } from "../docker-api.ts";
import type { JobContext } from "../jobs/job.ts";

/** A lifecycle command of a devcontainer.json: for a shell, as arguments, or several that run at once. */
const commandSchema = z.union([z.string(), z.array(z.string()), z.record(z.string(), z.union([z.string(), z.array(z.string())]))]);

const probeSchema = z.enum(["none", "loginInteractiveShell", "interactiveShell", "loginShell"]);

/** What is done each time a dev container is started, as the devcontainer CLI told it when it made the container. */
export const startCommandsSchema = z.object({
  postStartCommands: z.array(commandSchema),
  postAttachCommands: z.array(commandSchema),
  userEnvProbe: probeSchema,
});
export type StartCommands = z.infer<typeof startCommandsSchema>;

const execPollMs = 50;
const probeTimeoutMs = 10_000;
const maxEnvironmentBytes = 1024 ** 2;
const shellFlags = { loginInteractiveShell: "-lic", interactiveShell: "-ic", loginShell: "-lc" } as const;
/** Takes what is said after it: shells that people set up say much before. */
const mark = "berth-user-environment";

interface Session {
  readonly containerId: string;
  readonly user: string;
  readonly shell: string;
  readonly workingDirectory: string;
  /** Counts before what the user's shell sets. */
  readonly env: Readonly<Record<string, string>>;
}

/** Runs postStartCommand and postAttachCommand (containers.dev, lifecycle scripts). One that fails ends it, as in the devcontainer CLI. */
export async function runStartCommands(commands: StartCommands, session: Session, docker: DockerApi, context: JobContext): Promise<void> {
  const all = [
    ...commands.postStartCommands.map((command) => ({ name: "postStartCommand", command })),
    ...commands.postAttachCommands.map((command) => ({ name: "postAttachCommand", command })),
  ];
  if (all.length === 0) return;
  const env = { ...(await probeUserEnv(commands.userEnvProbe, session, docker, context)), ...session.env };
  for (const { name, command } of all) {
    context.step(`Running ${name}...`);
    const parts = typeof command === "string" || Array.isArray(command) ? [command] : Object.values(command);
    const codes = await Promise.all(parts.map(async (part) => runInContainer(argvOf(part), { ...session, env }, docker, context)));
    const failed = codes.find((code) => code !== 0);
    if (failed === undefined) continue;
    context.log(`${name} failed with exit code ${failed}. Skipping any further user-provided commands.\n`);
    throw new Error(`The ${name} in the devcontainer.json failed.`);
  }
}

function argvOf(command: string | readonly string[]): readonly string[] {
  return typeof command === "string" ? ["/bin/sh", "-c", command] : command;
}

/** The variables that the user's shell sets; none when it does not tell them in time. */
async function probeUserEnv(
  probe: StartCommands["userEnvProbe"],
  session: Session,
  docker: DockerApi,
  context: JobContext,
): Promise<Readonly<Record<string, string>>> {
  if (probe === "none" || posix.basename(session.shell) === "nologin") return {};
  let said = "";
  const script = `printf %s ${mark}; cat /proc/self/environ; printf %s ${mark}`;
  const limit = AbortSignal.any([context.signal, AbortSignal.timeout(probeTimeoutMs)]);
  const log = (chunk: Buffer): void => {
    if (said.length < maxEnvironmentBytes) said += chunk.toString();
  };
  await runInContainer([session.shell, shellFlags[probe], script], session, docker, { signal: limit, log }).catch((error: unknown) => {
    context.signal.throwIfAborted();
    context.log(`The environment of ${session.user}'s shell is not known: ${error instanceof Error ? error.message : String(error)}\n`);
  });
  return parseUserEnv(said);
}

/** What stands between the marks, one variable after the other with NUL between them. */
export function parseUserEnv(said: string): Readonly<Record<string, string>> {
  const [, between = ""] = said.split(mark);
  return Object.fromEntries(
    between
      .split("\0")
      .filter((line) => line.indexOf("=") > 0)
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}

/** Runs a command with a terminal and gives its exit code. What it leaves running in the background is not waited for. */
async function runInContainer(
  argv: readonly string[],
  { containerId, user, workingDirectory, env }: Session,
  docker: DockerApi,
  { signal, log }: { readonly signal: AbortSignal; readonly log: (chunk: Buffer) => void },
): Promise<number> {
  signal.throwIfAborted();
  const lines = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const execId = await docker.createExec(containerId, { argv, env: lines, user, workingDirectory, tty: true });
  const stream = await docker.startExec(execId, true);
  stream.on("error", () => undefined);
  stream.on("data", log);
  try {
    for (;;) {
      const { Running, ExitCode } = await docker.inspectExec(execId);
      if (!Running && ExitCode !== null) return ExitCode;
      // The end of its output is no sign: what it left in the background may hold the terminal.
      await delay(execPollMs, undefined, { signal });
    }
  } finally {
    stream.destroy();
    if (signal.aborted) await signalExec(execId, "SIGHUP", docker);
  }
}

/** Why a lifecycle command failed, as "code: text": the kernel ends the biggest process when memory runs out. */
export async function lifecycleWarning(text: string, containerPid: number): Promise<string> {
  const group = /^0::(.*)$/m.exec(await readFile(`/proc/${containerPid}/cgroup`, "utf8").catch(() => ""))?.[1];
  const events = group === undefined ? "" : await readFile(`/sys/fs/cgroup${group}/memory.events`, "utf8").catch(() => "");
  const code = /^oom_kill [1-9]/m.test(events) ? "out-of-memory" : "lifecycle-command-failed";
  return `${code}: ${text}`;
}
