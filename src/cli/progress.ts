import { cutTo, formatDuration } from "./format.ts";

/** How often the clocks of running steps are drawn anew. */
const drawIntervalMs = 250;
/** Where lines cannot be drawn anew, a step that takes this long is named before it ends. */
const longStepMs = 10_000;
/** For a terminal that does not know its size, which is told as 0. */
const usualColumns = 80;
const green = "\u001B[32m";
const red = "\u001B[31m";
const plainColor = "\u001B[0m";
const eraseBelow = "\u001B[J";

/** Where progress is written: stderr, or a test's own. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

interface RunningStep {
  readonly name: string;
  readonly begunAtMs: number;
  named: boolean;
}

export type StepOutcome = "done" | "failed";

/**
 * Steps with the time they take. A terminal gets one line per running step with a clock; anything else gets one
 * line when a step ends.
 */
export class Progress {
  readonly #stream: ProgressStream;
  readonly #now: () => number;
  readonly #color: boolean;
  readonly #live: boolean;
  readonly #running = new Map<string, RunningStep>();
  #drawnLines = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({ stream, env, now }: { readonly stream: ProgressStream; readonly env: NodeJS.ProcessEnv; readonly now: () => number }) {
    this.#stream = stream;
    this.#now = now;
    this.#live = stream.isTTY === true && env["TERM"] !== "dumb";
    this.#color = this.#live && (env["NO_COLOR"] ?? "") === "";
  }

  /** Says that a step goes on, since `elapsedMs` ago. */
  begin(key: string, name: string, elapsedMs = 0): void {
    if (this.#running.has(key)) return;
    this.#running.set(key, { name, begunAtMs: this.#now() - Math.max(0, elapsedMs), named: false });
    this.#timer ??= setInterval(() => this.#tick(), drawIntervalMs).unref();
    this.#draw();
  }

  isRunning(key: string): boolean {
    return this.#running.has(key);
  }

  /** Says that a running step ended; it took `durationMs`, or as long as was seen. */
  end(key: string, outcome: StepOutcome, durationMs?: number): void {
    const step = this.#running.get(key);
    if (step === undefined) return;
    this.#running.delete(key);
    this.tell(step.name, outcome, durationMs ?? this.#now() - step.begunAtMs);
    if (this.#running.size === 0) this.#rest();
  }

  /** Says that a step began and ended. */
  tell(name: string, outcome: StepOutcome, durationMs: number): void {
    const mark = outcome === "done" ? "✓" : "✗";
    this.note(`${this.#color ? `${outcome === "done" ? green : red}${mark}${plainColor}` : mark} ${name} ${formatDuration(durationMs)}`);
  }

  /** A line for people between the steps. */
  note(text: string): void {
    this.#erase();
    this.#stream.write(`${text}\n`);
    this.#draw();
  }

  /** Ends all running steps in the same way; without an outcome they are no longer told of. */
  close(outcome?: StepOutcome): void {
    if (outcome !== undefined) for (const key of [...this.#running.keys()]) this.end(key, outcome);
    this.#erase();
    this.#running.clear();
    this.#rest();
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    if (this.#live) {
      this.#erase();
      this.#draw();
      return;
    }
    for (const step of this.#running.values()) {
      if (step.named || this.#now() - step.begunAtMs < longStepMs) continue;
      step.named = true;
      this.#stream.write(`… ${step.name}\n`);
    }
  }

  #draw(): void {
    if (!this.#live) return;
    this.#erase();
    const width = (this.#stream.columns || usualColumns) - 1;
    const lines = [...this.#running.values()].map(({ name, begunAtMs }) => {
      const clock = ` ${formatDuration(Math.floor((this.#now() - begunAtMs) / 1000) * 1000).replace(".0", "")}`;
      return `${cutTo(`… ${name}`, Math.max(1, width - clock.length))}${clock}`;
    });
    this.#stream.write(lines.map((line) => `${line}\n`).join(""));
    this.#drawnLines = lines.length;
  }

  #erase(): void {
    if (this.#drawnLines > 0) this.#stream.write(`\u001B[${this.#drawnLines}A\r${eraseBelow}`);
    this.#drawnLines = 0;
  }
}

/** Progress on stderr. */
export function stderrProgress(): Progress {
  return new Progress({ stream: process.stderr, env: process.env, now: () => performance.now() });
}
