import type { Client } from "@connectrpc/connect";
import { fromConnectError } from "../../../../contract/connect-error.ts";
import type { Terminal, TerminalService } from "../../../../contract/gen/berth/v1/terminal_pb.js";
import { TerminalInput } from "./terminal-input.ts";

/** What may be under way to a screen that has not drawn it: enough to keep it busy, little enough that Ctrl+C bites at once. */
const windowBytes = 512 * 1024;
/** Sooner would be a call for every piece. */
const acknowledgeBytes = 128 * 1024;
const minRetryMs = 250;
const maxRetryMs = 5000;

export type LinkState = "connecting" | "attached" | "ended" | "gone" | "lost";

export interface TerminalScreen {
  /** Calls `drawn` when the bytes have been dealt with. */
  write(data: Uint8Array, drawn: () => void): void;
  /** Forgets everything: what comes next does not follow what was. */
  reset(): void;
}

export interface TerminalLinkOptions {
  readonly client: Client<typeof TerminalService>;
  readonly environmentId: string;
  readonly terminalId: string;
  readonly screen: TerminalScreen;
  readonly onTerminal: (terminal: Terminal) => void;
  readonly onState: (state: LinkState) => void;
}

/** A window's end of a terminal: goes on where it was after every loss of the connection. */
export class TerminalLink {
  readonly #options: TerminalLinkOptions;
  readonly #names: { readonly environmentId: string; readonly terminalId: string; readonly clientId: string };
  readonly #input: TerminalInput;
  #abort: AbortController | undefined;
  #receivedOffset = 0;
  #drawnOffset = 0;
  #acknowledgedOffset = 0;
  /** Output up to here was drawn before by another window, or by this one before it was loaded again. */
  #replayEnd = 0;
  #size: { readonly columns: number; readonly rows: number } | undefined;
  #resizing = false;
  #state: LinkState = "connecting";

  constructor(options: TerminalLinkOptions) {
    const { client, environmentId, terminalId } = options;
    this.#options = options;
    this.#names = { environmentId, terminalId, clientId: crypto.randomUUID() };
    this.#input = new TerminalInput({
      send: async (sequence, data) => client.writeTerminal({ ...this.#names, sequence, data }),
      mayRetry: (error) => !isGone(error) && this.#state !== "ended",
      pause: async (durationMs) => new Promise<void>((resolve) => setTimeout(resolve, durationMs)),
    });
  }

  /** Begins to read. Without effect while it does. */
  attach(): void {
    if (this.#abort !== undefined || this.#state === "ended" || this.#state === "gone") return;
    const abort = new AbortController();
    this.#abort = abort;
    void this.#keepReading(abort.signal);
  }

  /** Stops reading; the terminal goes on and keeps its output. */
  detach(): void {
    this.#abort?.abort();
    this.#abort = undefined;
  }

  type(data: Uint8Array<ArrayBuffer>): void {
    if (this.#state === "ended" || this.#state === "gone") return;
    // What the screen answers by itself to output of the past was answered when that came.
    if (this.#drawnOffset < this.#replayEnd && isAnswer(data)) return;
    this.#input.push(data);
  }

  resize(columns: number, rows: number): void {
    this.#size = { columns, rows };
    if (!this.#resizing) void this.#sendSize();
  }

  async #sendSize(): Promise<void> {
    this.#resizing = true;
    for (let size = this.#size; size !== undefined; size = this.#size) {
      this.#size = undefined;
      await this.#options.client.resizeTerminal({ ...this.#names, ...size }).catch(() => undefined);
    }
    this.#resizing = false;
  }

  async #keepReading(signal: AbortSignal): Promise<void> {
    let retryMs = minRetryMs;
    while (!signal.aborted) {
      try {
        this.#setState(this.#state === "lost" ? "lost" : "connecting");
        const before = this.#receivedOffset;
        if (await this.#read(signal)) return this.#setState("ended");
        if (this.#receivedOffset > before) retryMs = minRetryMs;
      } catch (error) {
        if (signal.aborted) return;
        if (isGone(error)) return this.#setState("gone");
      }
      if (signal.aborted) return;
      this.#setState("lost");
      await new Promise<void>((resolve) => setTimeout(resolve, retryMs));
      retryMs = Math.min(maxRetryMs, retryMs * 2);
    }
  }

  /** Whether the terminal has ended. */
  async #read(signal: AbortSignal): Promise<boolean> {
    // What was received but not drawn is still being drawn: nothing is asked for twice.
    const offset = BigInt(this.#receivedOffset);
    let exited = false;
    let first = true;
    this.#acknowledgedOffset = this.#receivedOffset;
    for await (const { message } of this.#options.client.attachTerminal({ ...this.#names, offset, windowBytes }, { signal })) {
      if (message.case === "terminal") {
        if (first) this.#replayEnd = Number(message.value.endOffset);
        first = false;
        exited = message.value.exited;
        this.#options.onTerminal(message.value);
        this.#setState("attached");
      } else if (message.case === "output") this.#receive(Number(message.value.offset), message.value.data);
    }
    return exited;
  }

  #receive(offset: number, data: Uint8Array): void {
    if (offset !== this.#receivedOffset && this.#receivedOffset > 0) this.#options.screen.reset();
    this.#receivedOffset = offset + data.length;
    const end = this.#receivedOffset;
    this.#options.screen.write(data, () => {
      this.#drawnOffset = end;
      if (end === this.#receivedOffset || end - this.#acknowledgedOffset >= acknowledgeBytes) this.#acknowledge(end);
    });
  }

  #acknowledge(offset: number): void {
    if (this.#abort === undefined || offset <= this.#acknowledgedOffset) return;
    this.#acknowledgedOffset = offset;
    // One that was lost is made up for by the next, or by attaching again.
    this.#options.client.acknowledgeTerminal({ ...this.#names, offset: BigInt(offset) }).catch(() => undefined);
  }

  #setState(state: LinkState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#options.onState(state);
  }
}

/** What a screen tells a program that asks for its kind, its cursor or its colours; no key sends that. */
function isAnswer(data: Uint8Array): boolean {
  const text = new TextDecoder().decode(data);
  return text.startsWith("\u001b") && /^.(?:\[[?>=]?[\d;]*[cRny]|\[\?[\d;]*\$y|\]\d+;[^]*|P[^]*)$/.test(text);
}

function isGone(error: unknown): boolean {
  const { code } = fromConnectError(error);
  return code === "terminal-not-found" || code === "environment-not-found";
}
