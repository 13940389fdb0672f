import type { WatchRequestsResponse } from "../../contract/gen/gitpod/v1/runner_interaction_pb.js";
import { BerthError } from "../../contract/berth-error.ts";
import { maxQueuedCalls, maxQueuedHints } from "./limits.ts";

/** What waits to be sent to one runner over one stream. It is bounded: a runner that reads too slowly is cut off and lists anew. */
export class RunnerStream implements AsyncIterable<WatchRequestsResponse> {
  readonly id: string;
  readonly session: string;
  readonly #calls: WatchRequestsResponse[] = [];
  readonly #hints = new Map<string, WatchRequestsResponse>();
  #ended = false;
  #failure: BerthError | undefined;
  #wake: (() => void) | undefined;

  constructor(id: string, session: string) {
    this.id = id;
    this.session = session;
  }

  /** False when too many wait already. */
  pushCall(call: WatchRequestsResponse): boolean {
    if (this.#ended || this.#calls.length >= maxQueuedCalls) return false;
    this.#calls.push(call);
    this.#wake?.();
    return true;
  }

  /** A hint takes the place of one about the same thing that was not sent yet. */
  pushHint(key: string, hint: WatchRequestsResponse): void {
    if (this.#hints.size >= maxQueuedHints && !this.#hints.has(key))
      return this.end(new BerthError("runner-busy", "it does not read what it watches"));
    this.#hints.set(key, hint);
    this.#wake?.();
  }

  /** Ends the stream, with a reason for the runner where there is one. What waits is not sent. */
  end(failure?: BerthError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchRequestsResponse> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return;
      const next = this.#calls.shift() ?? this.#nextHint();
      if (next !== undefined) yield next;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #nextHint(): WatchRequestsResponse | undefined {
    const [first] = this.#hints;
    if (first === undefined) return undefined;
    this.#hints.delete(first[0]);
    return first[1];
  }
}
