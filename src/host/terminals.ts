import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../contract/berth-error.ts";
import { toConnectError } from "../contract/connect-error.ts";
import type { ErrorCode } from "../contract/error-catalogue.ts";
import {
  type AttachTerminalResponse,
  AttachTerminalResponseSchema,
  type Terminal,
  TerminalSchema,
  type TerminalService,
} from "../contract/gen/berth/v1/terminal_pb.js";
import { withoutControls } from "../lib/terminals/osc-scanner.ts";
import type { HostParts } from "./create-host.ts";

// The machine is not trusted: what it says is cut to what our own agent would say.
const maxTerminals = 64;
const maxOutputBytes = 64 * 1024;
const maxTitleLength = 200;
const maxPathLength = 4096;
const maxWords = 64;

/** berth.v1.TerminalService for clients on this computer: the agent's, as far as an environment is known and the machine is there. */
export function terminalService({ plane, machines }: Pick<HostParts, "plane" | "machines">): ServiceImpl<typeof TerminalService> {
  const agent = async (environmentId: string) => {
    if ((await plane.environmentStore.get(environmentId)) === undefined)
      throw new BerthError("environment-not-found", `there is no environment ${environmentId}`);
    return machines.of(environmentId).terminals();
  };
  /** Looking at a terminal wakes no machine; using one does. */
  const wokenAgent = async (environmentId: string, signal: AbortSignal) => {
    await machines.of(environmentId).awake(signal);
    return agent(environmentId);
  };
  return {
    createTerminal: async (request, { signal }) =>
      translated(async () => {
        const { terminal } = await (await wokenAgent(request.environmentId, signal)).createTerminal(request, { signal });
        return { terminal: checkedTerminal(terminal) };
      }),
    listTerminals: async (request, { signal }) =>
      translated(async () => {
        const { terminals } = await (await agent(request.environmentId)).listTerminals(request, { signal });
        return { terminals: terminals.slice(0, maxTerminals).map((terminal) => checkedTerminal(terminal)) };
      }),
    attachTerminal: async function* (request, { signal }) {
      try {
        const answers = (await agent(request.environmentId)).attachTerminal(request, { signal });
        for await (const answer of answers) yield checkedAnswer(answer);
      } catch (error) {
        if (!signal.aborted) throw toConnectError(translate(error));
      }
    },
    acknowledgeTerminal: async (request) => translated(async () => (await agent(request.environmentId)).acknowledgeTerminal(request)),
    writeTerminal: async (request, { signal }) =>
      translated(async () => (await wokenAgent(request.environmentId, signal)).writeTerminal(request, { signal })),
    resizeTerminal: async (request) => translated(async () => (await agent(request.environmentId)).resizeTerminal(request)),
    renameTerminal: async (request) =>
      translated(async () => {
        const { terminal } = await (await agent(request.environmentId)).renameTerminal(request);
        return { terminal: checkedTerminal(terminal) };
      }),
    closeTerminal: async (request) => translated(async () => (await agent(request.environmentId)).closeTerminal(request)),
  };
}

async function translated<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw translate(error);
  }
}

const errorCodes: Partial<Record<Code, ErrorCode>> = {
  [Code.NotFound]: "terminal-not-found",
  [Code.ResourceExhausted]: "terminal-limit",
  [Code.FailedPrecondition]: "environment-not-running",
  [Code.InvalidArgument]: "argument-invalid",
  [Code.Canceled]: "canceled",
  [Code.Unavailable]: "machine-unreachable",
  [Code.Aborted]: "machine-unreachable",
};

function translate(error: unknown): unknown {
  if (!(error instanceof ConnectError)) return error;
  return new BerthError(errorCodes[error.code] ?? "internal", withoutControls(error.rawMessage).slice(0, maxPathLength), { cause: error });
}

function checkedAnswer({ message }: AttachTerminalResponse): AttachTerminalResponse {
  if (message.case === "output" && message.value.data.length > maxOutputBytes)
    throw new BerthError("internal", "the machine sent a piece of output that is too long");
  return create(AttachTerminalResponseSchema, {
    message: message.case === "terminal" ? { case: "terminal", value: checkedTerminal(message.value) } : message,
  });
}

function checkedTerminal(terminal: Terminal | undefined): Terminal {
  if (terminal === undefined) throw new BerthError("internal", "the machine told nothing of the terminal");
  const { terminalId, environmentId, columns, rows, startedAt, exited, exitCode, startOffset, endOffset, attachedClients } = terminal;
  const cut = (text: string, length: number): string => withoutControls(text).slice(0, length);
  return create(TerminalSchema, {
    ...{ columns, rows, exited, exitCode, startOffset, endOffset, attachedClients },
    ...(startedAt === undefined ? {} : { startedAt }),
    terminalId: cut(terminalId, maxTitleLength),
    environmentId: cut(environmentId, maxTitleLength),
    title: cut(terminal.title, maxTitleLength),
    name: cut(terminal.name, maxTitleLength),
    argv: terminal.argv.slice(0, maxWords).map((word) => cut(word, maxPathLength)),
    workingDirectory: cut(terminal.workingDirectory, maxPathLength),
  });
}
