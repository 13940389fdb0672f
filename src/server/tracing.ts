import { type Attributes, ROOT_CONTEXT, SpanKind, SpanStatusCode, type TextMapGetter, type Tracer } from "@opentelemetry/api";
import { type ExportResult, ExportResultCode, W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type ReadableSpan,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { type Log, messageOf } from "../lib/log.ts";
import { version } from "../lib/version.ts";
import type { AnsweredCall } from "./metrics.ts";

/** Spans that wait for the collector; those beyond it are let go. */
const maxWaitingSpans = 4096;
const sendIntervalMs = 2000;
const sendTimeoutMs = 10_000;
/** What a process that ends gives the collector for the last of them. */
const lastSendTimeoutMs = 3000;

export interface TracingOptions {
  /** Base address of a collector that takes OTLP over HTTP. */
  readonly endpoint: URL;
  /** Of the calls that belong to no trace yet, from 0 to 1. */
  readonly share: number;
  /** Unique among all processes. */
  readonly processId: string;
  readonly log: Log;
}

/**
 * Sends a span of each answered call to a collector (https://opentelemetry.io/docs/specs/otlp/). It goes on the trace of a
 * caller that names one (https://www.w3.org/TR/trace-context/). A collector that is away costs nothing but its spans.
 */
export class Tracing {
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;
  readonly #propagator = new W3CTraceContextPropagator();

  constructor({ endpoint, share, processId, log }: TracingOptions) {
    const url = `${endpoint.href.replace(/\/$/, "")}/v1/traces`;
    const exporter = new ToldExporter(new OTLPTraceExporter({ url, timeoutMillis: sendTimeoutMs }), log);
    const own = resourceFromAttributes({ "service.name": "berth-plane", "service.version": version, "service.instance.id": processId });
    this.#provider = new TracerProvider({
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) }),
      // What the environment says of the process comes last: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES.
      resource: defaultResource()
        .merge(own)
        .merge(detectResources({ detectors: [envDetector] })),
      spanProcessors: [
        new BatchSpanProcessor({
          exporter,
          maxQueueSize: maxWaitingSpans,
          scheduledDelayMillis: sendIntervalMs,
          exportTimeoutMillis: sendTimeoutMs,
        }),
      ],
    });
    this.#tracer = this.#provider.getTracer("berth-plane", version);
  }

  answered({ method, code, durationMs, headers }: AnsweredCall): void {
    const endMs = Date.now();
    const trace = this.#propagator.extract(ROOT_CONTEXT, headers, headerGetter);
    // Names and attributes: https://opentelemetry.io/docs/specs/semconv/rpc/connect-rpc/. None tells of a person.
    const attributes: Attributes = { "rpc.system.name": "connectrpc", "rpc.method": method };
    if (code !== "ok") attributes["rpc.response.status_code"] = code.replaceAll(/(?!^)[A-Z]/g, "_$&").toLowerCase();
    const span = this.#tracer.startSpan(method, { kind: SpanKind.SERVER, startTime: endMs - durationMs, attributes }, trace);
    if (ourFaults.has(code)) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(endMs);
  }

  /** Sends what waits. */
  async stop(): Promise<void> {
    const limit = AbortSignal.timeout(lastSendTimeoutMs);
    const late = new Promise<void>((resolve) => limit.addEventListener("abort", () => resolve()));
    await Promise.race([this.#provider.shutdown().catch(() => undefined), late]);
  }
}

/** Callers' mistakes are no errors of the server. */
const ourFaults: ReadonlySet<string> = new Set(["Unknown", "DeadlineExceeded", "Unimplemented", "Internal", "Unavailable", "DataLoss"]);

const headerGetter: TextMapGetter<Headers> = {
  keys: (headers) => [...headers.keys()],
  get: (headers, key) => headers.get(key) ?? undefined,
};

/** Says once in the log that the collector cannot be reached, and once that it can be again. */
class ToldExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #log: Log;
  #isAway = false;

  constructor(exporter: SpanExporter, log: Log) {
    this.#exporter = exporter;
    this.#log = log;
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.#exporter.export(spans, (result) => {
      const isAway = result.code !== ExportResultCode.SUCCESS;
      if (isAway && !this.#isAway) this.#log.warn("traces are not taken by their collector", { reason: messageOf(result.error) });
      if (!isAway && this.#isAway) this.#log.info("traces are taken by their collector again");
      this.#isAway = isAway;
      done({ code: ExportResultCode.SUCCESS });
    });
  }

  async shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }
}
