import { create } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { BerthError } from "../../contract/berth-error.ts";
import { type WorkspaceExecRequest, WorkspaceExecRequestSchema, type WorkspaceExecStart } from "../../contract/gen/berth/v1/host_pb.js";
import { AsyncQueue } from "../../lib/async-queue.ts";
import { connectHost, type HostClients } from "../connection.ts";
import { findEnvironment } from "../environments.ts";
import { findMachineId } from "../machines.ts";
import { machineOption, type MachineOptions } from "./options.ts";

/** Input waiting for the machine; beyond this stdin is held up. */
const maxQueuedMessages = 16;
const defaultShell = ["/bin/sh", "-c", 'exec "$(getent passwd "$(id -un)" | cut -d: -f7)" -l || exec /bin/sh -l'];
const forwardedSignals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

interface ExecOptions {
  readonly tty?: boolean;
  readonly workdir?: string;
  readonly env: readonly string[];
}

/** `berth exec`: a command in an environment's container. */
export function registerExec(program: Command): void {
  program
    .command("exec")
    .argument("<name>", "name or id of an environment")
    .argument("[command...]", "the command and its arguments; a shell when it is left out")
    .description("Run a command in an environment, in its folder and as its user")
    .option("--no-tty", "no terminal, even when stdin is one")
    .option("-w, --workdir <path>", "where to run it; relative to the environment's folder")
    .option(
      "-e, --env <NAME=value>",
      "a variable for the command; repeatable",
      (value: string, all: readonly string[]) => [...all, value],
      [] as readonly string[],
    )
    .passThroughOptions()
    .action(async (name: string, command: readonly string[], options: ExecOptions) => {
      const clients = await connectHost();
      const environment = await findEnvironment(clients, name);
      process.exitCode = await runExec(clients, { environmentId: environment.id, machineId: "" }, withoutDashes(command), options);
    });
}

/** `berth machine shell`: a command in the Linux machine itself, as root, to look into it. */
export function registerMachineShell(machine: Command): void {
  machine
    .command("shell")
    .argument("[command...]", "the command and its arguments; a shell when it is left out")
    .description("Run a command in the machine itself, as root")
    .option("--no-tty", "no terminal, even when stdin is one")
    .addOption(machineOption())
    .passThroughOptions()
    .action(async (command: readonly string[], { machine: name, tty }: Pick<ExecOptions, "tty"> & MachineOptions) => {
      const clients = await connectHost();
      const place = { environmentId: "", machineId: await findMachineId(clients, name) };
      const argv = command.length === 0 ? ["/bin/bash", "-l"] : withoutDashes(command);
      process.exitCode = await runExec(clients, place, argv, { ...(tty === undefined ? {} : { tty }), env: [] });
    });
}

/** `exec NAME -- command` and `exec NAME command` are the same. Fails with `argument-invalid` for an option in a command's place. */
function withoutDashes(command: readonly string[]): readonly string[] {
  const [first = ""] = command;
  if (first === "--") return command.slice(1);
  if (first.startsWith("-")) throw new BerthError("argument-invalid", `'${first}' is not a command; options of berth go before the name`);
  return command;
}

/** Where a command runs: in an environment, or in a machine itself. */
type Place = Pick<WorkspaceExecStart, "environmentId" | "machineId">;

async function runExec(clients: HostClients, place: Place, command: readonly string[], options: ExecOptions): Promise<number> {
  const pty = options.tty !== false && process.stdin.isTTY && process.stdout.isTTY;
  const queue = new AsyncQueue<WorkspaceExecRequest>(maxQueuedMessages);
  const send = async (message: WorkspaceExecRequest["message"]): Promise<void> =>
    queue.push(create(WorkspaceExecRequestSchema, { message }));
  await send({
    case: "start",
    value: {
      $typeName: "berth.v1.WorkspaceExecStart",
      ...place,
      argv: [...(command.length === 0 ? defaultShell : command)],
      env: parseEnv(options.env),
      workingDirectory: options.workdir ?? "",
      pty,
      columns: process.stdout.columns ?? 80,
      rows: process.stdout.rows ?? 24,
    },
  });
  const restore = follow(send, pty);
  try {
    for await (const { message } of clients.workspaces.exec(queue)) {
      if (message.case === "stdout") await write(process.stdout, message.value);
      else if (message.case === "stderr") await write(process.stderr, message.value);
      else if (message.case === "exitCode") return message.value;
    }
    throw new BerthError("machine-unreachable", "the command's end was not heard of");
  } finally {
    restore();
    queue.end();
  }
}

/** Passes on input, sizes and signals; gives what puts the terminal back. */
function follow(send: (message: WorkspaceExecRequest["message"]) => Promise<void>, pty: boolean): () => void {
  const { stdin, stdout } = process;
  if (pty) stdin.setRawMode(true);
  void (async () => {
    try {
      for await (const chunk of stdin) await send({ case: "stdin", value: chunk as Buffer });
    } catch {
      // A terminal that went away reads as an error; it is an end all the same.
    }
    await send({ case: "stdinEnd", value: true });
  })();
  const onResize = (): void =>
    void send({ case: "resize", value: { $typeName: "berth.v1.WorkspaceExecSize", columns: stdout.columns, rows: stdout.rows } });
  if (pty) stdout.on("resize", onResize);
  const onSignal = (name: NodeJS.Signals): void => void send({ case: "signal", value: name });
  for (const name of forwardedSignals) process.on(name, onSignal);
  return () => {
    // Node itself does so when the process ends in any other way.
    if (pty) stdin.setRawMode(false);
    stdout.off("resize", onResize);
    for (const name of forwardedSignals) process.off(name, onSignal);
    stdin.destroy();
  };
}

async function write(stream: NodeJS.WriteStream, data: Uint8Array): Promise<void> {
  if (!stream.write(data)) await new Promise<void>((resolve) => stream.once("drain", resolve).once("error", () => resolve()));
}

/** Reads `NAME=value` pairs. Fails with `invalid-argument` for anything else. */
function parseEnv(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      if (at < 1) throw new BerthError("argument-invalid", `'${pair}' is not NAME=value`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}
