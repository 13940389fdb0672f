import { BerthError } from "../../contract/berth-error.ts";
import { AsyncQueue } from "../../lib/async-queue.ts";
import { type Clock, type Deadline, deadline } from "../../lib/clock.ts";
import { maxPieceBytes, type Piece } from "../../lib/pieces.ts";
import { idleTimeoutMs, maxQueuedPieces } from "./limits.ts";

/** The two who are joined. */
export type Side = "person" | "runner";

/** A message of either stream, of which pieces alone are looked at. */
interface TunnelMessage {
  readonly message: { readonly case: string | undefined; readonly value?: unknown };
}

/**
 * Two streams that are joined. What one side sends goes to the other in bounded pieces, no faster than it is read; when one
 * of them ends, or nothing came for too long, both do.
 */
export class Tunnel {
  readonly #queues: Readonly<Record<Side, AsyncQueue<Piece>>> = {
    person: new AsyncQueue(maxQueuedPieces),
    runner: new AsyncQueue(maxQueuedPieces),
  };
  readonly #arrival = Promise.withResolvers<string>();
  readonly #ending = new AbortController();
  readonly #idle: Deadline;
  #failure: BerthError | undefined;

  constructor(clock: Clock) {
    this.#idle = deadline(clock, idleTimeoutMs);
    this.#idle.signal.addEventListener("abort", () =>
      this.end(new BerthError("timeout", `nothing was sent for ${idleTimeoutMs / 60_000} minutes`)),
    );
    this.#arrival.promise.catch(() => undefined);
  }

  /** Aborts when the tunnel has ended. */
  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  /** The host key that the runner brought, once it has come. Fails with why the tunnel ended before. */
  get arrived(): Promise<string> {
    return this.#arrival.promise;
  }

  /** The runner has come. */
  arrive(sshHostPublicKey: string): void {
    this.#arrival.resolve(sshHostPublicKey);
  }

  /** Takes what a side sends until it ends; a stream that breaks off ends the tunnel. */
  async take(side: Side, input: AsyncIterator<TunnelMessage>): Promise<void> {
    const queue = this.#queues[side === "person" ? "runner" : "person"];
    try {
      for (let next = await input.next(); next.done !== true; next = await input.next()) {
        const { message } = next.value;
        if (message.case === "end") return await queue.push({ case: "end", value: true });
        if (message.case !== "data" || !(message.value instanceof Uint8Array) || message.value.length > maxPieceBytes)
          return this.end(new BerthError("request-invalid", `a message has at most ${maxPieceBytes} bytes of data, or the end`));
        this.#idle.restart();
        await queue.push({ case: "data", value: message.value });
        if (this.ended.aborted) return;
      }
      await queue.push({ case: "end", value: true });
    } catch {
      this.end();
    }
  }

  /** What a side is to be sent, its last piece being the end. Fails with why the tunnel ended, where that is nobody's wish. */
  async *pieces(side: Side): AsyncGenerator<Piece> {
    for await (const piece of this.#queues[side]) {
      yield piece;
      if (piece.case === "end") return;
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Ends both sides; what waits is still sent to who reads. */
  end(failure?: BerthError): void {
    if (this.#ending.signal.aborted) return;
    this.#failure = failure;
    this.#idle[Symbol.dispose]();
    this.#arrival.reject(failure ?? new BerthError("canceled", "the tunnel was ended"));
    this.#ending.abort();
    for (const queue of Object.values(this.#queues)) queue.end();
  }
}
