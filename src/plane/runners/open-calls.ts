import type { SendResponseRequest, WatchRequestsResponse } from "../../contract/gen/gitpod/v1/runner_interaction_pb.js";
import { BerthError } from "../../contract/berth-error.ts";
import { runnerCallTimeoutMs } from "../../contract/runner-protocol.ts";
import type { Clock } from "../../lib/clock.ts";
import { deliveryTimeoutMs, maxOpenCalls } from "./limits.ts";

interface OpenCall {
  readonly runnerId: string;
  readonly outcome: PromiseWithResolvers<SendResponseRequest>;
  /** No stream has taken it yet. */
  isUndelivered: boolean;
}

/** Questions of this process that runners have not answered yet. */
export class OpenCalls {
  readonly #clock: Clock;
  readonly #calls = new Map<string, OpenCall>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Has the question sent and waits for the answer. Fails with `runner-unreachable` when no stream took the question in time, `timeout` when no
   * answer came, `runner-busy` when the runner has too much to answer, which it is not sent then.
   */
  async ask(
    runnerId: string,
    request: WatchRequestsResponse,
    { send, signal }: { readonly send: () => Promise<void>; readonly signal: AbortSignal },
  ): Promise<SendResponseRequest> {
    signal.throwIfAborted();
    if (this.#countOf(runnerId) >= maxOpenCalls) throw new BerthError("runner-busy", `it has ${maxOpenCalls} questions to answer`);
    const outcome = Promise.withResolvers<SendResponseRequest>();
    const call: OpenCall = { runnerId, outcome, isUndelivered: true };
    this.#calls.set(request.requestId, call);
    const onDeliveryTime = (): void => {
      if (call.isUndelivered) outcome.reject(new BerthError("runner-unreachable", "it is not connected to the management plane"));
    };
    const onTime = (): void =>
      outcome.reject(new BerthError("timeout", `the runner did not answer within ${runnerCallTimeoutMs / 1000} seconds`));
    const onAbort = (): void => outcome.reject(signal.reason);
    const cancels = [this.#clock.after(deliveryTimeoutMs, onDeliveryTime), this.#clock.after(runnerCallTimeoutMs, onTime)];
    signal.addEventListener("abort", onAbort);
    try {
      const [answer] = await Promise.all([outcome.promise, send()]);
      return answer;
    } finally {
      for (const cancel of cancels) cancel();
      signal.removeEventListener("abort", onAbort);
      this.#calls.delete(request.requestId);
    }
  }

  delivered(requestId: string, outcome: "queued" | "full"): void {
    const call = this.#calls.get(requestId);
    if (call === undefined) return;
    call.isUndelivered = false;
    if (outcome === "full") call.outcome.reject(new BerthError("runner-busy", "too many questions wait for it"));
  }

  /** Takes an answer from the runner that was asked; one for another runner's question, or that comes too late, is nobody's. */
  answer(runnerId: string, answer: SendResponseRequest): void {
    const call = this.#calls.get(answer.requestId);
    if (call?.runnerId === runnerId) call.outcome.resolve(answer);
  }

  #countOf(runnerId: string): number {
    let count = 0;
    for (const call of this.#calls.values()) if (call.runnerId === runnerId) count++;
    return count;
  }

  /** Ends all waiting. */
  close(): void {
    for (const { outcome } of this.#calls.values()) outcome.reject(new BerthError("canceled", "the server is shutting down"));
  }
}
