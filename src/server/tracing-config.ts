import { z } from "zod";
import type { TracingOptions } from "./tracing.ts";

/** The part of the server's settings that says where traces go. */
export const tracingSettings = {
  otlpEndpoint: z.url({ protocol: /^https?$/, error: "--otlp-endpoint is no http or https address" }).optional(),
  traceShare: z.coerce.number("--trace-share is a number from 0 to 1").min(0).max(1),
};

export const tracingDefaults = { traceShare: "1" };

/** Those that OpenTelemetry gives every program (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). */
export const tracingVariables = {
  otlpEndpoint: "OTEL_EXPORTER_OTLP_ENDPOINT",
  traceShare: "OTEL_TRACES_SAMPLER_ARG",
} as const;

/** Where traces go, and of how many calls; undefined where there are none. */
export function tracingOf(config: {
  readonly otlpEndpoint?: string | undefined;
  readonly traceShare: number;
}): Pick<TracingOptions, "endpoint" | "share"> | undefined {
  return config.otlpEndpoint === undefined ? undefined : { endpoint: new URL(config.otlpEndpoint), share: config.traceShare };
}
