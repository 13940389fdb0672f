import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { EventService } from "../contract/gen/gitpod/v1/event_pb.js";
import type { Gate } from "../plane/gate.ts";
import type { JsonlObserver } from "../plane/jsonl.ts";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** From a read of one record to a call that waits for a runner. */
const durationBucketsSeconds = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** What Prometheus reads. Labels are methods and codes of the API alone, never ids or names of people. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<"method" | "code">;
  readonly #durations: Histogram<"method">;
  readonly #streams: Gauge;

  constructor() {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    const prefix = "berth_plane";
    this.#requests = new Counter({
      name: `${prefix}_requests_total`,
      help: "Calls of the API that were answered",
      labelNames: ["method", "code"],
      registers,
    });
    this.#durations = new Histogram({
      name: `${prefix}_request_duration_seconds`,
      help: "Time until a call that is no stream was answered",
      labelNames: ["method"],
      buckets: durationBucketsSeconds,
      registers,
    });
    this.#streams = new Gauge({ name: `${prefix}_open_streams`, help: "Streams of the API that are open", registers });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Counts a call that was answered. */
  answered(method: string, code: string, durationSeconds: number, isStream: boolean): void {
    this.#requests.inc({ method, code });
    if (!isStream) this.#durations.observe({ method }, durationSeconds);
  }

  streamOpened(): () => void {
    this.#streams.inc();
    return () => this.#streams.dec();
  }
}

export interface AnsweredCall {
  /** `package.Service/Method`. */
  readonly method: string;
  readonly code: string;
  readonly durationMs: number;
  readonly isStream: boolean;
  /** Of the request. */
  readonly headers: Headers;
}

/** Tells of each call that is refused at the gate. */
export function observeGate(gate: Gate, tell: (call: AnsweredCall) => void): Gate {
  return async (context) => {
    const startMs = performance.now();
    try {
      await gate(context);
    } catch (error) {
      const method = `${context.service.typeName}/${context.method.name}`;
      const isStream = context.method.methodKind !== "unary";
      tell({ method, code: codeOf(error), durationMs: performance.now() - startMs, isStream, headers: context.requestHeader });
      throw error;
    }
  };
}

/** Tells of each call when it has been answered; of a stream when it has ended. */
export function observeRequests(tell: (call: AnsweredCall) => void, metrics: Metrics): Interceptor {
  return (next) => async (request) => {
    const startMs = performance.now();
    const method = `${request.service.typeName}/${request.method.name}`;
    const { stream: isStream, header: headers } = request;
    const done = (code: string): void => tell({ method, code, durationMs: performance.now() - startMs, isStream, headers });
    try {
      const response = await next(request);
      if (!response.stream) {
        done("ok");
        return response;
      }
      return { ...response, message: observed(response.message, metrics.streamOpened(), done) };
    } catch (error) {
      done(codeOf(error));
      throw error;
    }
  };
}

/** Tells of each watch as lines, when it has ended. */
export function observeJsonl(tell: (call: AnsweredCall) => void, metrics: Metrics): JsonlObserver {
  const { parent, name } = EventService.method.watchEvents;
  return {
    opened: () => metrics.streamOpened(),
    answered: ({ code, ...call }) =>
      tell({ ...call, method: `${parent.typeName}/${name}`, code: code === undefined ? "ok" : (Code[code] ?? "Unknown"), isStream: true }),
  };
}

async function* observed<T>(messages: AsyncIterable<T>, closed: () => void, done: (code: string) => void): AsyncGenerator<T> {
  let code = "ok";
  try {
    yield* messages;
  } catch (error) {
    code = codeOf(error);
    throw error;
  } finally {
    closed();
    done(code);
  }
}

function codeOf(error: unknown): string {
  return Code[ConnectError.from(error).code] ?? "Unknown";
}
