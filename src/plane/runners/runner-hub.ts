import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BerthError } from "../../contract/berth-error.ts";
import {
  type SendResponseRequest,
  SendResponseRequestSchema,
  type WatchRequestsResponse,
  WatchRequestsResponseSchema,
} from "../../contract/gen/gitpod/v1/runner_interaction_pb.js";
import { streamPingIntervalMs, streamPingTimeoutMs } from "../../contract/runner-protocol.ts";
import type { Clock } from "../../lib/clock.ts";
import type { FanOut } from "./fan-out.ts";
import { decodeHubMessage, encodeHubMessage, type HubMessage, processTopic, runnerTopic } from "./hub-messages.ts";
import { OpenCalls } from "./open-calls.ts";
import { RunnerStream } from "./runner-stream.ts";

type RequestInit = MessageInitShape<typeof WatchRequestsResponseSchema>["request"];

/** What happened, for the runner to look at. */
export type RunnerHint = Extract<NonNullable<RequestInit>, { readonly case: `event${string}` }>;
/** What the runner shall answer. */
export type RunnerCall = Extract<NonNullable<RequestInit>, { readonly case: `call${string}` }>;

/** The streams of runners that are connected to this process, and the way to those at other processes. */
export class RunnerHub {
  readonly #processId: string;
  readonly #fanOut: FanOut;
  readonly #clock: Clock;
  readonly #calls: OpenCalls;
  readonly #streams = new Map<string, RunnerStream>();
  readonly #streamsOf = new Map<string, Set<RunnerStream>>();
  /** Those that were not answered yet, one for each stream. */
  readonly #pings = new Map<string, { readonly runnerId: string; readonly answered: () => void }>();
  readonly #unsubscribe: () => void;
  #count = 0;
  #isClosed = false;

  /** @param options.processId Unique among all processes of the installation, also over time. */
  constructor(options: { readonly processId: string; readonly fanOut: FanOut; readonly clock: Clock }) {
    this.#processId = options.processId;
    this.#fanOut = options.fanOut;
    this.#clock = options.clock;
    this.#calls = new OpenCalls(options.clock);
    this.#unsubscribe = this.#listen(processTopic(this.#processId), (message) => this.#onProcessMessage(message));
  }

  /** How many runners are connected to this process. */
  get streamCount(): number {
    return this.#streams.size;
  }

  /** Tells a runner what to look at, wherever it is connected. It may get lost: runners list anew every minute. */
  async hint(runnerId: string, hint: RunnerHint): Promise<void> {
    const request = create(WatchRequestsResponseSchema, { request: hint });
    await this.#send(runnerId, {
      kind: "request",
      requestId: "",
      key: keyOf(hint),
      request: toBinary(WatchRequestsResponseSchema, request),
    });
  }

  /** The same for a runner that is connected to this process; every process that hears of a change says so to its own. */
  hintHere(runnerId: string, hint: RunnerHint): void {
    const streams = this.#streamsOf.get(runnerId);
    if (streams === undefined) return;
    const request = create(WatchRequestsResponseSchema, { request: hint });
    for (const stream of streams) stream.pushHint(keyOf(hint), request);
  }

  /**
   * Asks a runner, wherever it is connected. Fails with `runner-unreachable`, `timeout`, `runner-busy`, or the signal's reason.
   */
  async call(runnerId: string, call: RunnerCall, signal: AbortSignal): Promise<SendResponseRequest> {
    const request = create(WatchRequestsResponseSchema, { requestId: this.#nextRequestId(), request: call });
    let isSent = false;
    const send = async (): Promise<void> => {
      isSent = true;
      await this.#sendCall(runnerId, request);
    };
    const unsubscribe = this.#listen(runnerTopic(runnerId), ({ kind }) => {
      if (kind === "opened" && isSent) void this.#sendCall(runnerId, request);
    });
    try {
      return await this.#calls.ask(runnerId, request, { send, signal });
    } finally {
      unsubscribe();
    }
  }

  /** Takes what a runner answered to a call of any process. */
  async answer(runnerId: string, answer: SendResponseRequest): Promise<void> {
    const processId = answer.requestId.split("/", 1)[0] ?? "";
    if (processId === this.#processId) return this.#settle(runnerId, answer);
    const { requestId } = answer;
    const message: HubMessage = { kind: "answer", requestId, runnerId, answer: toBinary(SendResponseRequestSchema, answer) };
    await this.#fanOut.publish(processTopic(processId), encodeHubMessage(message));
  }

  /**
   * A runner's stream at this process, until the signal aborts. It takes the place of one that the runner had before,
   * at whichever process. It is ended when the runner does not answer pings.
   */
  async *open(runnerId: string, session: string, signal: AbortSignal): AsyncGenerator<WatchRequestsResponse> {
    const stream = new RunnerStream(this.#nextRequestId(), session);
    const unsubscribe = this.#listen(runnerTopic(runnerId), (message) => this.#onRunnerMessage(stream, message));
    const end = (): void => stream.end();
    signal.addEventListener("abort", end);
    if (signal.aborted || this.#isClosed) end();
    this.#streams.set(stream.id, stream);
    const streamsOfRunner = this.#streamsOf.get(runnerId) ?? new Set();
    this.#streamsOf.set(runnerId, streamsOfRunner.add(stream));
    const stopPings = this.#keepPinging(runnerId, stream);
    try {
      await this.#send(runnerId, { kind: "opened", streamId: stream.id });
      yield* stream;
    } finally {
      stopPings();
      this.#streams.delete(stream.id);
      streamsOfRunner.delete(stream);
      if (streamsOfRunner.size === 0 && this.#streamsOf.get(runnerId) === streamsOfRunner) this.#streamsOf.delete(runnerId);
      signal.removeEventListener("abort", end);
      unsubscribe();
    }
  }

  /** Ends a runner's streams of other sessions than this one; all, when there is none. */
  async disconnect(runnerId: string, options: { readonly exceptSession: string | undefined }): Promise<void> {
    await this.#send(runnerId, { kind: "closed", session: options.exceptSession ?? null });
  }

  /** Ends all streams of this process, so that their runners go to another one, and all waiting for answers. */
  close(): void {
    this.#isClosed = true;
    for (const stream of this.#streams.values()) stream.end();
    this.#calls.close();
    this.#unsubscribe();
  }

  #onProcessMessage(message: HubMessage): void {
    if (message.kind === "delivery") this.#calls.delivered(message.requestId, message.outcome);
    if (message.kind === "answer") this.#settle(message.runnerId, fromBinary(SendResponseRequestSchema, message.answer));
  }

  #settle(runnerId: string, answer: SendResponseRequest): void {
    const ping = this.#pings.get(answer.requestId);
    if (ping === undefined) this.#calls.answer(runnerId, answer);
    else if (ping.runnerId === runnerId) ping.answered();
  }

  #onRunnerMessage(stream: RunnerStream, message: HubMessage): void {
    if (message.kind === "opened" && message.streamId !== stream.id) stream.end();
    if (message.kind === "closed" && message.session !== stream.session)
      stream.end(new BerthError(message.session === null ? "credential-invalid" : "runner-replaced", "the plane ended the connection"));
    if (message.kind !== "request") return;
    const request = fromBinary(WatchRequestsResponseSchema, message.request);
    if (message.requestId === "") return stream.pushHint(message.key, request);
    const outcome = stream.pushCall(request) ? "queued" : "full";
    const askerId = message.requestId.split("/", 1)[0] ?? "";
    void this.#fanOut.publish(processTopic(askerId), encodeHubMessage({ kind: "delivery", requestId: message.requestId, outcome }));
  }

  /** Asks the runner over its stream whether it is there, at once and then again and again. */
  #keepPinging(runnerId: string, stream: RunnerStream): () => void {
    const after = this.#clock.after.bind(this.#clock);
    let requestId = "";
    let cancel = (): void => undefined;
    const answered = (): void => {
      this.#pings.delete(requestId);
      cancel();
      cancel = after(streamPingIntervalMs, ping);
    };
    const ping = (): void => {
      requestId = this.#nextRequestId();
      this.#pings.set(requestId, { runnerId, answered });
      cancel = after(streamPingTimeoutMs, () => stream.end(new BerthError("timeout", "the runner does not answer pings")));
      stream.pushCall(create(WatchRequestsResponseSchema, { requestId, request: { case: "callPing", value: {} } }));
    };
    ping();
    return () => {
      cancel();
      this.#pings.delete(requestId);
    };
  }

  async #sendCall(runnerId: string, request: WatchRequestsResponse): Promise<void> {
    const { requestId } = request;
    await this.#send(runnerId, { kind: "request", requestId, key: "", request: toBinary(WatchRequestsResponseSchema, request) });
  }

  async #send(runnerId: string, message: HubMessage): Promise<void> {
    await this.#fanOut.publish(runnerTopic(runnerId), encodeHubMessage(message));
  }

  #listen(topic: string, listener: (message: HubMessage) => void): () => void {
    return this.#fanOut.subscribe(topic, (bytes) => {
      const message = decodeHubMessage(bytes);
      if (message !== undefined) listener(message);
    });
  }

  /** Names the process that asks, so that the answer finds it. */
  #nextRequestId(): string {
    return `${this.#processId}/${++this.#count}`;
  }
}

/** What a hint is about. */
function keyOf({ case: kind, value }: RunnerHint): string {
  if ("environmentId" in value) return `${kind} ${value.environmentId}`;
  return "id" in value
    ? `${kind} ${value.id}`
    : `${kind} ${"host" in value ? value.host : ""} ${"principalId" in value ? value.principalId : ""}`;
}
