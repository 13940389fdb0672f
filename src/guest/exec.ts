import { create } from "@bufbuild/protobuf";
import { spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { type ExecRequest, type ExecResponse, ExecResponseSchema, type ExecStart } from "../contract/gen/berth/v1/agent_pb.js";
import { containerSession } from "./container-session.ts";
import { quoteForShell } from "./devcontainer/session-env.ts";
import { type DockerApi, signalExec } from "./docker-api.ts";
import type { EnvironmentStates } from "./environment-state.ts";
import type { GuestNetwork } from "./network/guest-network.ts";
import type { Observer } from "./observe.ts";
import { AsyncQueue } from "../lib/async-queue.ts";
import type { GuestSettings } from "./settings.ts";

/** Output waiting for the host; beyond this the process is held up. */
const maxQueuedChunks = 64;
/** docker's stream of an exec without a tty has frames: type, 3 zero bytes, length. */
const frameHeaderBytes = 8;

interface ExecDependencies {
  readonly docker: DockerApi;
  readonly states: EnvironmentStates;
  readonly observer: Observer;
  readonly settings: GuestSettings;
  readonly network: GuestNetwork;
}

/** Runs what an Exec stream asks for and gives its output. */
export async function* exec(requests: AsyncIterable<ExecRequest>, dependencies: ExecDependencies): AsyncGenerator<ExecResponse> {
  const iterator = requests[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true || first.value.message.case !== "start") throw new Error("the first message must be start");
  const start = first.value.message.value;
  if (start.argv.length === 0) throw new Error("argv is empty");
  yield* start.environmentId === ""
    ? execInMachine(start, iterator, dependencies.network.machineEnv)
    : execInContainer(start, iterator, dependencies);
}

async function* execInContainer(
  start: ExecStart,
  input: AsyncIterator<ExecRequest>,
  dependencies: ExecDependencies,
): AsyncGenerator<ExecResponse> {
  const { docker } = dependencies;
  const session = await containerSession(start.environmentId, start.workingDirectory, dependencies);
  const env = { ...session.env, ...(start.pty ? { TERM: "xterm-256color" } : {}), ...start.env };
  const execId = await docker.createExec(session.containerId, {
    argv: start.argv,
    env: Object.entries(env).map(([k, v]) => `${k}=${v}`),
    user: start.user === "" ? session.user : start.user,
    workingDirectory: session.workingDirectory,
    tty: start.pty,
    ...(start.pty && start.size !== undefined ? { size: start.size } : {}),
  });
  const stream = await docker.startExec(execId, start.pty);
  const output = new AsyncQueue<ExecResponse>(maxQueuedChunks);
  const feeding = feed(input, stream, {
    resize: async (columns, rows) => docker.resizeExec(execId, columns, rows),
    signal: async (name) => void process.kill((await docker.inspectExec(execId)).Pid, name),
  });
  void readDockerStream(stream, start.pty, output);
  try {
    yield* output;
    const state = await docker.inspectExec(execId);
    yield create(ExecResponseSchema, { message: { case: "exit", value: { code: state.ExitCode ?? 1, signal: "" } } });
  } finally {
    stream.destroy();
    await feeding.stop();
    // A command whose client went away ends as it would with its terminal; dockerd alone would leave it running.
    await signalExec(execId, "SIGHUP", docker);
  }
}

async function readDockerStream(stream: Duplex, tty: boolean, output: AsyncQueue<ExecResponse>): Promise<void> {
  let rest = Buffer.alloc(0);
  try {
    for await (const chunk of stream) {
      if (tty) {
        await output.push(create(ExecResponseSchema, { message: { case: "stdout", value: chunk as Buffer } }));
        continue;
      }
      rest = Buffer.concat([rest, chunk as Buffer]);
      while (rest.length >= frameHeaderBytes && rest.length >= frameHeaderBytes + rest.readUInt32BE(4)) {
        const end = frameHeaderBytes + rest.readUInt32BE(4);
        await output.push(
          create(ExecResponseSchema, {
            message: { case: rest[0] === 2 ? "stderr" : "stdout", value: Buffer.from(rest.subarray(frameHeaderBytes, end)) },
          }),
        );
        rest = rest.subarray(end);
      }
    }
  } catch {
    // The connection to dockerd ended; the exit code is asked for next.
  }
  output.end();
}

async function* execInMachine(
  start: ExecStart,
  input: AsyncIterator<ExecRequest>,
  networkEnv: Readonly<Record<string, string>>,
): AsyncGenerator<ExecResponse> {
  const [program = "", ...args] = start.pty ? withTerminal(start) : start.argv;
  const child = spawn(program, args, {
    env: { TERM: "xterm-256color", PATH: "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root", ...networkEnv, ...start.env },
    cwd: start.workingDirectory === "" ? "/" : start.workingDirectory,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const output = new AsyncQueue<ExecResponse>(maxQueuedChunks);
  child.stdin.on("error", () => undefined);
  const feeding = feed(input, child.stdin, { resize: async () => undefined, signal: async (name) => void child.kill(name) });
  const pump = async (name: "stdout" | "stderr"): Promise<void> => {
    for await (const chunk of child[name])
      await output.push(create(ExecResponseSchema, { message: { case: name, value: chunk as Buffer } }));
  };
  const exited = new Promise<{ code: number; signal: string }>((resolve) => {
    child.once("error", () => resolve({ code: 127, signal: "" }));
    child.once("close", (code, signal) => resolve({ code: code ?? 128, signal: signal ?? "" }));
  });
  void Promise.all([pump("stdout"), pump("stderr"), exited]).finally(() => output.end());
  try {
    yield* output;
    yield create(ExecResponseSchema, { message: { case: "exit", value: await exited } });
  } finally {
    child.kill("SIGHUP");
    await feeding.stop();
  }
}

/** script(1) gives a command a terminal of its own. */
function withTerminal(start: ExecStart): string[] {
  const size = `stty cols ${start.size?.columns ?? 80} rows ${start.size?.rows ?? 24}`;
  return ["script", "--quiet", "--return", "--command", `${size}; exec ${start.argv.map(quoteForShell).join(" ")}`, "/dev/null"];
}

interface Controls {
  resize(columns: number, rows: number): Promise<void>;
  signal(name: NodeJS.Signals): Promise<void>;
}

const signalNames: readonly string[] = [
  "SIGINT",
  "SIGTERM",
  "SIGHUP",
  "SIGQUIT",
  "SIGKILL",
  "SIGUSR1",
  "SIGUSR2",
  "SIGWINCH",
  "SIGTSTP",
  "SIGCONT",
];

function isSignal(name: string): name is NodeJS.Signals {
  return signalNames.includes(name);
}

/** Carries the host's messages to a process until either ends. */
function feed(input: AsyncIterator<ExecRequest>, stdin: NodeJS.WritableStream, controls: Controls): { stop(): Promise<void> } {
  void (async () => {
    try {
      for (let next = await input.next(); next.done !== true; next = await input.next()) {
        const { message } = next.value;
        if (message.case === "stdin") {
          if (!stdin.write(message.value)) await new Promise<void>((resolve) => stdin.once("drain", resolve).once("close", resolve));
        } else if (message.case === "stdinEnd") stdin.end();
        else if (message.case === "resize") await controls.resize(message.value.columns, message.value.rows).catch(() => undefined);
        else if (message.case === "signal" && isSignal(message.value)) await controls.signal(message.value).catch(() => undefined);
      }
    } catch {
      // The host went away; the process learns it by its input's end.
    }
    stdin.end();
  })();
  return { stop: async () => void (await input.return?.()) };
}
