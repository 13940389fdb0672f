import { create } from "@bufbuild/protobuf";
import { BerthError } from "../contract/berth-error.ts";
import { type ExecRequest, ExecRequestSchema } from "../contract/gen/berth/v1/agent_pb.js";
import {
  type WorkspaceExecRequest,
  type WorkspaceExecResponse,
  WorkspaceExecResponseSchema,
  type WorkspaceExecStart,
} from "../contract/gen/berth/v1/host_pb.js";
import type { MachineKeeper } from "../engine/machine-keeper.ts";
import type { Machines } from "../engine/machines.ts";
import type { AgentClient } from "../engine/machine-view.ts";
import { findMachine } from "./find-machine.ts";

/** POSIX shells tell a command that a signal ended by this exit code plus the signal's number. */
const signalExitBase = 128;
const signalNumbers: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGTERM: 15 };

/**
 * WorkspaceService.Exec: a process in an environment's container, or in the machine itself (as root) when
 * the start names no environment. Ends with the exit code.
 */
export async function* exec(
  requests: AsyncIterable<WorkspaceExecRequest>,
  machines: Machines,
  signal: AbortSignal,
): AsyncGenerator<WorkspaceExecResponse> {
  const rest = requests[Symbol.asyncIterator]();
  const first = await rest.next();
  if (first.done === true || first.value.message.case !== "start")
    throw new BerthError("argument-invalid", "the first message must say what to run");
  const machine = machineOf(machines, first.value.message.value);
  const agent = await machine.awake(signal);
  const release = machine.uses.hold();
  try {
    yield* relay(agent, after(first.value, rest), signal);
  } finally {
    release();
  }
}

function machineOf(machines: Machines, { environmentId, machineId }: WorkspaceExecStart): MachineKeeper {
  return environmentId === "" ? findMachine(machines, machineId).keeper : machines.of(environmentId);
}

async function* after(first: WorkspaceExecRequest, rest: AsyncIterator<WorkspaceExecRequest>): AsyncGenerator<WorkspaceExecRequest> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

async function* relay(
  agent: AgentClient,
  requests: AsyncIterable<WorkspaceExecRequest>,
  signal: AbortSignal,
): AsyncGenerator<WorkspaceExecResponse> {
  for await (const { message } of agent.exec(agentRequests(requests), { signal })) {
    switch (message.case) {
      case "stdout":
      case "stderr":
        yield create(WorkspaceExecResponseSchema, { message });
        break;
      case "exit": {
        const { code, signal: name } = message.value;
        yield create(WorkspaceExecResponseSchema, {
          message: { case: "exitCode", value: name === "" ? code : signalExitBase + (signalNumbers[name] ?? 0) },
        });
        return;
      }
      case undefined:
        break;
    }
  }
}

async function* agentRequests(requests: AsyncIterable<WorkspaceExecRequest>): AsyncGenerator<ExecRequest> {
  for await (const { message } of requests) {
    switch (message.case) {
      case "start": {
        const { columns, rows, pty, environmentId, argv, env, workingDirectory } = message.value;
        const start = { environmentId, argv, env, workingDirectory, pty, ...(pty ? { size: { columns, rows } } : {}) };
        yield create(ExecRequestSchema, { message: { case: "start", value: start } });
        break;
      }
      case "resize":
        yield create(ExecRequestSchema, {
          message: { case: "resize", value: { columns: message.value.columns, rows: message.value.rows } },
        });
        break;
      case "stdin":
      case "stdinEnd":
      case "signal":
        yield create(ExecRequestSchema, { message });
        break;
      case undefined:
        break;
    }
  }
}
