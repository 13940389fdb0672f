import { stripVTControlCharacters } from "node:util";
import { z } from "zod";
import type { ErrorCode } from "../../contract/error-catalogue.ts";
import { type JobContext, JobError } from "../jobs/job.ts";
import { runProcess } from "../run-process.ts";

const attributesSchema = z.looseObject({
  label: z.string().optional(),
  onAutoForward: z.string().optional(),
  protocol: z.string().optional(),
  requireLocalPort: z.boolean().optional(),
});

/** The object `devcontainer up` prints last. */
const outcomeSchema = z.looseObject({
  outcome: z.enum(["success", "error"]),
  containerId: z.string().optional(),
  remoteUser: z.string().optional(),
  remoteWorkspaceFolder: z.string().optional(),
  message: z.string().optional(),
  description: z.string().optional(),
  mergedConfiguration: z
    .looseObject({
      forwardPorts: z.array(z.union([z.number(), z.string()])).optional(),
      portsAttributes: z.record(z.string(), attributesSchema).optional(),
      otherPortsAttributes: attributesSchema.optional(),
      remoteEnv: z.record(z.string(), z.string().nullable()).optional(),
    })
    .optional(),
});

export type UpOutcome = z.infer<typeof outcomeSchema> & {
  /** What docker said of its failures, the newest last; the outcome names only the command. */
  readonly dockerErrors: readonly string[];
};

/** The end of the log that is searched for what docker said. */
const keptLogCharacters = 16 * 1024;
const dockerErrorPattern = /^(?:#\d+ )?(?:ERROR:|Error response from daemon:|failed to solve:)/i;

const logLineSchema = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  name: z.string().optional(),
  status: z.string().optional(),
});

/** Runs `devcontainer up` as the work user and turns its log into a job's steps and log. */
export async function devcontainerUp(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
  context: JobContext,
): Promise<UpOutcome> {
  return runCli(["up", "--include-merged-configuration", ...args], cwd, env, context);
}

/** Runs the lifecycle commands that `devcontainer up --skip-post-create` left out, each as often as it is due. */
export async function devcontainerUserCommands(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
  context: JobContext,
): Promise<UpOutcome> {
  return runCli(["run-user-commands", ...args], cwd, env, context);
}

async function runCli(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
  context: JobContext,
): Promise<UpOutcome> {
  const log = new LogReader(context);
  const result = await runProcess(["devcontainer", ...args, "--log-format", "json"], {
    cwd,
    env,
    asWorkUser: true,
    signal: context.signal,
    onOutput: (chunk, stream) => stream === "stderr" && log.push(chunk),
  });
  log.end();
  const line = result.stdout.toString().trim().split("\n").at(-1) ?? "";
  const outcome = outcomeSchema.safeParse(parseJson(line));
  if (!outcome.success)
    throw new JobError("devcontainer-failed", `the devcontainer CLI ended with ${result.code} and said: ${line.slice(0, 300)}`);
  return { ...outcome.data, dockerErrors: log.dockerErrors() };
}

/** Splits the CLI's JSON lines, keeps their text and names the steps that people should see. */
class LogReader {
  readonly #context: JobContext;
  #rest = "";
  #tail = "";
  /** Text that is not in the log yet: lines come by the dozen, and each addition is a write that others are told of. */
  #unlogged = "";

  constructor(context: JobContext) {
    this.#context = context;
  }

  push(chunk: Buffer): void {
    const lines = (this.#rest + chunk.toString()).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
    this.#flush();
  }

  end(): void {
    if (this.#rest !== "") this.#line(this.#rest);
    this.#flush();
  }

  dockerErrors(): string[] {
    const lines = stripVTControlCharacters(this.#tail).split(/[\r\n]+/);
    return lines.map((line) => line.trim()).filter((line) => dockerErrorPattern.test(line));
  }

  #line(line: string): void {
    const event = logLineSchema.safeParse(parseJson(line));
    if (!event.success) {
      this.#unlogged += `${line}\n`;
      return;
    }
    const { type, text = "", name } = event.data;
    if (type === "progress" && name !== undefined && event.data.status === "running") this.#step(name);
    const step = type === "start" ? stepOf(text) : undefined;
    if (step !== undefined) this.#step(step);
    if (type !== "text" && type !== "raw" && type !== "start") return;
    const whole = text.endsWith("\n") ? text : `${text}\n`;
    this.#tail = (this.#tail + whole).slice(-keptLogCharacters);
    this.#unlogged += whole;
  }

  /** What was said before a step is not part of it. */
  #step(name: string): void {
    this.#flush();
    this.#context.step(name);
  }

  #flush(): void {
    if (this.#unlogged === "") return;
    this.#context.log(this.#unlogged);
    this.#unlogged = "";
  }
}

function stepOf(text: string): string | undefined {
  if (/docker.*\b(buildx )?build\b/.test(text)) return "Building the image";
  if (/docker.*\bcompose\b.*\bbuild\b/.test(text)) return "Building the images";
  if (/docker.*\bcompose\b.*\bup\b/.test(text)) return "Starting the services";
  if (/docker (pull|run)\b/.test(text)) return text.includes("pull") ? "Pulling the image" : "Starting the container";
  return undefined;
}

/** Turns what a failed build or start said into a code of the catalogue. */
export function classifyUpFailure(text: string): ErrorCode {
  if (/no space left on device/i.test(text)) return "data-disk-full";
  if (/x509: certificate signed by unknown authority/i.test(text)) return "certificate-untrusted";
  if (
    /manifest unknown|not found: manifest|repository does not exist|pull access denied|failed to resolve source metadata.*not found|: not found|denied: requested access|404 Not Found/i.test(
      text,
    )
  )
    return "image-not-found";
  if (
    /lookup .*: (no such host|i\/o timeout|server misbehaving|Temporary failure)|dial tcp|connection refused|TLS handshake timeout|request canceled while waiting|network is unreachable/i.test(
      text,
    )
  )
    return "registry-unreachable";
  if (/Killed|signal: killed|out of memory|exit code: 137/i.test(text)) return "out-of-memory";
  return "devcontainer-failed";
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
