import { ByteRing } from "./byte-ring.ts";
import { OrderedInput } from "./ordered-input.ts";
import { OscScanner } from "./osc-scanner.ts";
import type { Pty, PtyRequest, TerminalSize } from "./pty.ts";

/** Output kept for who attaches later; about 20,000 lines of a build. */
const scrollbackBytes = 2 * 1024 * 1024;
const maxOutputMessageBytes = 64 * 1024;
/** The program is held up when everybody who reads is this far behind, and goes on at half of it. */
const maxLagBytes = 512 * 1024;
/** Who has not got on for this long no longer holds the program up: a frozen window must not freeze a build. */
const readerStallLimitMs = 10_000;
/** How far a reader that lost output looks for the beginning of a line. */
const lineSearchBytes = 4096;

export interface TerminalView {
  readonly terminalId: string;
  readonly environmentId: string;
  readonly title: string;
  readonly name: string;
  readonly argv: readonly string[];
  readonly workingDirectory: string;
  readonly size: TerminalSize;
  readonly startedAtMs: number;
  readonly exitCode: number | undefined;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly attachedClients: number;
}

export type TerminalEvent =
  | { readonly kind: "view"; readonly view: TerminalView }
  | { readonly kind: "output"; readonly offset: number; readonly data: Uint8Array };

interface Reader {
  /** Offset of what is sent next. */
  next: number;
  /** How far the client has got. */
  acknowledged: number;
  /** Told of the terminal as it was at this revision. */
  revision: number;
  lastProgressMs: number;
  stalled: boolean;
  replaced: boolean;
  wake: () => void;
}

export interface TerminalOptions {
  readonly id: string;
  readonly request: PtyRequest;
  readonly name: string;
  readonly now: () => number;
  readonly stallLimitMs?: number;
}

/**
 * One terminal: what its program wrote last, and those who read it, each at an offset of their own. Nothing is
 * queued for a reader, so that a slow one costs no memory: it loses output instead, and is told by the offsets.
 */
export class Terminal {
  readonly #options: TerminalOptions;
  readonly #startedAtMs: number;
  readonly #stallLimitMs: number;
  readonly #ring = new ByteRing(scrollbackBytes);
  readonly #scanner = new OscScanner();
  readonly #input = new OrderedInput();
  readonly #readers = new Map<string, Reader>();
  #pty: Pty | undefined;
  #paused = false;
  #stallTimer: NodeJS.Timeout | undefined;
  #revision = 1;
  #title = "";
  #name: string;
  #workingDirectory = "";
  #size: TerminalSize;
  #exitCode: number | undefined;
  #closed = false;

  constructor(options: TerminalOptions) {
    this.#options = options;
    this.#name = options.name;
    this.#size = options.request.size;
    this.#startedAtMs = options.now();
    this.#stallLimitMs = options.stallLimitMs ?? readerStallLimitMs;
  }

  get environmentId(): string {
    return this.#options.request.environmentId;
  }

  get ended(): boolean {
    return this.#exitCode !== undefined;
  }

  view(): TerminalView {
    return {
      terminalId: this.#options.id,
      environmentId: this.environmentId,
      title: this.#title,
      name: this.#name,
      argv: this.#options.request.argv,
      workingDirectory: this.#workingDirectory,
      size: this.#size,
      startedAtMs: this.#startedAtMs,
      exitCode: this.#exitCode,
      startOffset: this.#ring.start,
      endOffset: this.#ring.end,
      attachedClients: this.#readers.size,
    };
  }

  /** What the program runs on; its output may have come before. */
  run(pty: Pty): void {
    this.#pty = pty;
    if (this.#closed) pty.hangUp();
    if (this.#paused) pty.pause();
  }

  receive(data: Uint8Array): void {
    this.#ring.append(data);
    for (const event of this.#scanner.push(data)) {
      if (event.kind === "title") this.#title = event.text;
      else this.#workingDirectory = event.path;
      this.#revision++;
    }
    this.#wakeReaders();
    this.#holdUpOrLetGo();
  }

  exit(code: number): void {
    this.#exitCode = code;
    clearTimeout(this.#stallTimer);
    this.#changed();
  }

  /** Resolves when the program has taken it in, as far as buffers tell. Fails with a RangeError: see OrderedInput. */
  async write(clientId: string, sequence: number, data: Uint8Array): Promise<void> {
    const due = this.#input.accept(clientId, sequence, data);
    if (this.ended) return;
    await Promise.all(due.map(async (piece) => this.#pty?.write(piece)));
  }

  async resize(size: TerminalSize): Promise<void> {
    if (size.columns === this.#size.columns && size.rows === this.#size.rows) return;
    this.#size = size;
    this.#changed();
    if (!this.ended) await this.#pty?.resize(size);
  }

  rename(name: string): void {
    this.#name = name;
    this.#changed();
  }

  /** Hangs up and ends the streams of all who read. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#stallTimer);
    if (!this.ended) this.#pty?.hangUp();
    this.#wakeReaders();
  }

  acknowledge(clientId: string, offset: number): void {
    const reader = this.#readers.get(clientId);
    if (reader === undefined || offset <= reader.acknowledged) return;
    this.#progress(reader, Math.min(offset, reader.next));
    reader.wake();
  }

  /** What is kept from an offset on, then what comes. `windowBytes` bounds what is sent before an acknowledgement. */
  async *attach(
    request: { readonly clientId: string; readonly offset: number; readonly windowBytes: number },
    signal: AbortSignal,
  ): AsyncGenerator<TerminalEvent> {
    const reader = this.#addReader(request.clientId, request.offset);
    const onAbort = (): void => reader.wake();
    signal.addEventListener("abort", onAbort);
    try {
      while (!signal.aborted && !reader.replaced && !this.#closed) {
        const woken = new Promise<void>((resolve) => (reader.wake = resolve));
        if (reader.revision !== this.#revision && (reader.revision === 0 || !this.ended)) {
          reader.revision = this.#revision;
          yield { kind: "view", view: this.view() };
        }
        const room = request.windowBytes === 0 ? maxOutputMessageBytes : reader.acknowledged + request.windowBytes - reader.next;
        const output = this.#take(reader, Math.min(room, maxOutputMessageBytes));
        if (output !== undefined) {
          yield output;
          if (request.windowBytes === 0) this.#progress(reader, reader.next);
        } else if (this.ended && reader.next === this.#ring.end) {
          yield { kind: "view", view: this.view() };
          return;
        } else await woken;
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      if (this.#readers.get(request.clientId) === reader) this.#readers.delete(request.clientId);
      this.#holdUpOrLetGo();
    }
  }

  #addReader(clientId: string, offset: number): Reader {
    const before = this.#readers.get(clientId);
    if (before !== undefined) {
      before.replaced = true;
      before.wake();
    }
    const next = offset > this.#ring.end ? 0 : offset;
    const reader: Reader = {
      next,
      acknowledged: next,
      revision: 0,
      lastProgressMs: this.#options.now(),
      stalled: false,
      replaced: false,
      wake: () => undefined,
    };
    this.#readers.set(clientId, reader);
    return reader;
  }

  #take(reader: Reader, maxBytes: number): TerminalEvent | undefined {
    // Not before all that was sent has arrived: a frozen client would be sent more and more.
    if (reader.next < this.#ring.start && reader.acknowledged === reader.next)
      reader.next = reader.acknowledged = this.#ring.lineStart(lineSearchBytes);
    if (maxBytes <= 0 || reader.next < this.#ring.start || reader.next === this.#ring.end) return undefined;
    const offset = reader.next;
    const data = this.#ring.read(offset, maxBytes);
    reader.next += data.length;
    return { kind: "output", offset, data };
  }

  #progress(reader: Reader, offset: number): void {
    reader.acknowledged = offset;
    reader.lastProgressMs = this.#options.now();
    reader.stalled = false;
    this.#holdUpOrLetGo();
  }

  /** Without a reader nobody is waited for: the oldest output is dropped. */
  #holdUpOrLetGo(): void {
    const lags = [...this.#readers.values()].filter((r) => !r.stalled).map((r) => this.#ring.end - r.acknowledged);
    const lagBytes = lags.length === 0 ? 0 : Math.min(...lags);
    if (!this.#paused && lagBytes > maxLagBytes) {
      this.#paused = true;
      this.#pty?.pause();
      this.#watchStalls();
    } else if (this.#paused && lagBytes <= maxLagBytes / 2) {
      this.#paused = false;
      clearTimeout(this.#stallTimer);
      this.#pty?.resume();
    }
  }

  #watchStalls(): void {
    clearTimeout(this.#stallTimer);
    this.#stallTimer = setTimeout(() => {
      const limitMs = this.#options.now() - this.#stallLimitMs;
      for (const reader of this.#readers.values()) if (reader.lastProgressMs <= limitMs) reader.stalled = true;
      this.#holdUpOrLetGo();
      if (this.#paused) this.#watchStalls();
    }, this.#stallLimitMs);
    this.#stallTimer.unref();
  }

  #changed(): void {
    this.#revision++;
    this.#wakeReaders();
  }

  #wakeReaders(): void {
    for (const reader of this.#readers.values()) reader.wake();
  }
}
