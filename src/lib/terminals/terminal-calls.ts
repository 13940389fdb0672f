import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { withoutControls } from "./osc-scanner.ts";
import type { TerminalSize } from "./pty.ts";
import type { TerminalEvent, TerminalView } from "./terminal.ts";
import type { Terminals } from "./terminals.ts";

const maxInputBytes = 64 * 1024;
const maxClientIdLength = 64;
const maxNameLength = 100;
const maxSide = 1000;
const usualSize = { columns: 80, rows: 24 };
/** Less would make every message wait for an acknowledgement. */
const minWindowBytes = 16 * 1024;

interface TerminalName {
  readonly environmentId: string;
  readonly terminalId: string;
}

/** The methods of berth.v1.TerminalService on terminals that are here. */
export function terminalCalls(terminals: Terminals, onInput: (environmentId: string) => void = () => undefined) {
  const find = (name: TerminalName) => terminals.get(name.environmentId, name.terminalId);
  return {
    createTerminal: async (
      request: {
        environmentId: string;
        argv: string[];
        workingDirectory: string;
        env: Record<string, string>;
        name: string;
      } & TerminalSize,
    ) => {
      const { environmentId, argv, workingDirectory, env } = request;
      const size = request.columns === 0 || request.rows === 0 ? usualSize : checkedSize(request);
      const terminal = await terminals.create({ environmentId, argv, workingDirectory, env, size }, checkedName(request.name));
      return { terminal: terminalMessage(terminal.view()) };
    },
    listTerminals: ({ environmentId }: { environmentId: string }) => ({
      terminals: terminals.list(environmentId).map((t) => terminalMessage(t.view())),
    }),
    attachTerminal: async function* (
      request: TerminalName & { clientId: string; offset: bigint; windowBytes: number },
      { signal }: { readonly signal: AbortSignal },
    ) {
      const windowBytes = request.windowBytes === 0 ? 0 : Math.max(request.windowBytes, minWindowBytes);
      const clientId = checkedClientId(request.clientId);
      for await (const event of find(request).attach({ clientId, offset: Number(request.offset), windowBytes }, signal))
        yield { message: eventMessage(event) };
    },
    acknowledgeTerminal: (request: TerminalName & { clientId: string; offset: bigint }) => {
      find(request).acknowledge(request.clientId, Number(request.offset));
      return {};
    },
    writeTerminal: async (request: TerminalName & { clientId: string; sequence: bigint; data: Uint8Array }) => {
      if (request.data.length > maxInputBytes) throw invalid(`more than ${maxInputBytes} bytes at once`);
      if (request.sequence < 1n) throw invalid("sequence numbers begin with 1");
      onInput(request.environmentId);
      await find(request)
        .write(checkedClientId(request.clientId), Number(request.sequence), request.data)
        .catch((error: unknown) => {
          throw error instanceof RangeError ? invalid(error.message) : error;
        });
      return {};
    },
    resizeTerminal: async (request: TerminalName & TerminalSize) => {
      await find(request).resize(checkedSize(request));
      return {};
    },
    renameTerminal: (request: TerminalName & { name: string }) => {
      const terminal = find(request);
      terminal.rename(checkedName(request.name));
      return { terminal: terminalMessage(terminal.view()) };
    },
    closeTerminal: (request: TerminalName) => {
      terminals.close(request.environmentId, request.terminalId);
      return {};
    },
  };
}

function terminalMessage({ size, startedAtMs, exitCode, startOffset, endOffset, argv, ...view }: TerminalView) {
  return {
    ...view,
    ...size,
    argv: [...argv],
    startedAt: timestampFromMs(startedAtMs),
    exited: exitCode !== undefined,
    exitCode: exitCode ?? 0,
    startOffset: BigInt(startOffset),
    endOffset: BigInt(endOffset),
  };
}

function eventMessage(event: TerminalEvent) {
  if (event.kind === "view") return { case: "terminal" as const, value: terminalMessage(event.view) };
  return { case: "output" as const, value: { offset: BigInt(event.offset), data: event.data } };
}

function checkedSize({ columns, rows }: TerminalSize): TerminalSize {
  if (columns < 1 || rows < 1 || columns > maxSide || rows > maxSide) throw invalid(`a terminal has 1 to ${maxSide} columns and rows`);
  return { columns, rows };
}

function checkedName(name: string): string {
  if (name.length > maxNameLength) throw invalid(`a name has at most ${maxNameLength} characters`);
  return withoutControls(name);
}

function checkedClientId(id: string): string {
  if (id === "" || id.length > maxClientIdLength) throw invalid(`a client's id has 1 to ${maxClientIdLength} characters`);
  return id;
}

function invalid(message: string): ConnectError {
  return new ConnectError(message, Code.InvalidArgument);
}
