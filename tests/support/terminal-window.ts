import type { Client } from "@connectrpc/connect";
import { randomUUID } from "node:crypto";
import type { Terminal, TerminalService } from "../../src/contract/gen/berth/v1/terminal_pb.js";

const readLimitMs = 60_000;
/** Of the text a window has seen, so that looking at it costs little while output floods. */
const keptLength = 16 * 1024;
const windowBytes = 256 * 1024;

export interface WindowOptions {
  readonly terminals: Client<typeof TerminalService>;
  readonly environmentId: string;
  readonly terminalId: string;
  readonly offset?: number;
}

/** What a window does with a terminal: reads and acknowledges, types in order. */
export class TerminalWindow {
  readonly #options: WindowOptions;
  readonly #clientId = randomUUID();
  readonly #abort = new AbortController();
  text = "";
  receivedBytes = 0;
  offset: number;
  lostBytes = 0;
  last: Terminal | undefined;
  ended = false;
  #sequence = 0n;
  #wake: () => void = () => undefined;

  constructor(options: WindowOptions) {
    this.#options = options;
    this.offset = options.offset ?? 0;
    void this.#read();
  }

  async type(text: string): Promise<void> {
    await this.#options.terminals.writeTerminal({ ...this.#names(), sequence: ++this.#sequence, data: Buffer.from(text) });
  }

  async until(condition: () => boolean): Promise<void> {
    const deadline = AbortSignal.timeout(readLimitMs);
    deadline.addEventListener("abort", () => this.#wake());
    while (!condition()) {
      if (deadline.aborted) throw new Error(`it did not come to that; the last was: ${JSON.stringify(this.text.slice(-500))}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async shows(text: string): Promise<void> {
    await this.until(() => this.text.includes(text));
  }

  detach(): void {
    this.#abort.abort();
  }

  #names() {
    const { environmentId, terminalId } = this.#options;
    return { environmentId, terminalId, clientId: this.#clientId };
  }

  async #read(): Promise<void> {
    const { terminals } = this.#options;
    try {
      const request = { ...this.#names(), offset: BigInt(this.offset), windowBytes };
      for await (const { message } of terminals.attachTerminal(request, { signal: this.#abort.signal })) {
        if (message.case === "terminal") this.last = message.value;
        if (message.case === "output") {
          const { offset, data } = message.value;
          this.lostBytes += Number(offset) - this.offset;
          this.offset = Number(offset) + data.length;
          this.receivedBytes += data.length;
          this.text = (this.text + Buffer.from(data).toString()).slice(-keptLength);
          await terminals.acknowledgeTerminal({ ...this.#names(), offset: BigInt(this.offset) });
        }
        this.#wake();
      }
    } catch {
      // Detached, or the host is gone: what a window shows stays as it is.
    }
    this.ended = true;
    this.#wake();
  }
}
