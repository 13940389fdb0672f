import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { RunnerInteractionService } from "../contract/gen/gitpod/v1/runner_interaction_pb.js";
import { type Log, messageOf } from "../lib/log.ts";
import { version } from "../lib/version.ts";
import type { PlaneApi } from "../plane/assemble-plane.ts";
import { createServerPlane } from "../plane/create-server-plane.ts";
import type { Store } from "../plane/store/store.ts";
import type { ServerConfig } from "./config.ts";
import { gatewayOf } from "./gateway-config.ts";
import { HttpServer, type PlainPages } from "./http-server.ts";
import { type AnsweredCall, Metrics, observeGate, observeJsonl, observeRequests } from "./metrics.ts";
import { openFanOut } from "./open-fan-out.ts";
import { openStore } from "./open-store.ts";
import { rateLimits } from "./rate-limit.ts";
import { createSigningIn } from "./sign-in-site.ts";
import { Tracing } from "./tracing.ts";
import { tracingOf } from "./tracing-config.ts";

const msPerSecond = 1000;
/** A database that takes longer is not ready. */
const readyTimeoutMs = 2000;

export interface RunningServer {
  readonly port: number;
  /** Where `/metrics` is; the same port where no other was asked for. */
  readonly metricsPort: number;
  /** Takes certificate and key from their files again. */
  reloadTls(): void;
  /** Ends in order: says that it is not ready, ends streams, lets calls finish within the limit, closes the database. */
  drain(): Promise<void>;
}

/** Opens the database and serves the management plane. Fails as `openStore` does, and when an address cannot be listened on. */
export async function serve(config: ServerConfig, log: Log, morePages: PlainPages = {}): Promise<RunningServer> {
  const now = (): number => Date.now();
  const opened = await openStore({ ...config, now, log });
  const { store } = opened;
  const processId = randomUUID();
  const fanOut = await openFanOut({ databaseUrl: config.databaseUrl, store, processId, now, log });
  const draining = new AbortController();
  const metrics = new Metrics();
  const signingIn = createSigningIn({ config, ...opened, log, now });
  const gateway = gatewayOf(config);
  const plane = createServerPlane({
    ...opened,
    ...signingIn.ofPlane,
    ...(gateway === undefined ? {} : { gateway }),
    admit: rateLimits(now),
    tellFault: faultTeller(log),
    now,
    drain: draining.signal,
    fanOut,
    processId,
    log,
  });
  const traced = tracingOf(config);
  const tracing = traced === undefined ? undefined : new Tracing({ ...traced, processId, log });
  const observed = (call: AnsweredCall): void => {
    metrics.answered(call.method, call.code, call.durationMs / msPerSecond, call.isStream);
    tracing?.answered(call);
    // What thousands of runners say all the time is in the metrics; a line of each would hide everything else.
    if (call.code === "ok" && call.method.startsWith(RunnerInteractionService.typeName)) return;
    log.info("answered", { method: call.method, code: call.code, durationMs: Math.round(call.durationMs) });
  };
  const api: PlaneApi = {
    ...plane,
    gate: observeGate(plane.gate, observed),
    interceptors: [observeRequests(observed, metrics), ...plane.interceptors],
    serveJsonl: (request, response, address) => plane.serveJsonl(request, response, address, observeJsonl(observed, metrics)),
  };
  const metricsPages: PlainPages = { "/metrics": async () => ({ status: 200, type: metrics.contentType, text: await metrics.text() }) };
  const pages = { ...morePages, ...statusPages(store, draining.signal), ...(config.metricsListen === undefined ? metricsPages : {}) };
  const tls =
    config.tlsCert === undefined || config.tlsKey === undefined ? {} : { tls: { certFile: config.tlsCert, keyFile: config.tlsKey } };
  const metricsServer =
    config.metricsListen === undefined ? undefined : await HttpServer.start({ listen: config.metricsListen, pages: metricsPages, log });
  const server = await HttpServer.start({ listen: config.listen, pages, api, ...signingIn.ofServer, ...tls, log });
  signingIn.keepHouse(draining.signal);
  const metricsPort = metricsServer?.port ?? server.port;
  log.info("serving", { host: config.listen.host, port: server.port, metricsPort, tls: config.tlsCert !== undefined, version });
  const drain = async (): Promise<void> => {
    log.info("draining");
    draining.abort();
    // Whoever sends requests here gets time to see that this process is not ready any more.
    await delay(config.drainDelaySeconds * msPerSecond);
    await server.drain(AbortSignal.timeout(config.drainLimitSeconds * msPerSecond));
    await metricsServer?.drain(AbortSignal.abort());
    await tracing?.stop();
    await fanOut.stop();
    await store.close();
    log.info("ended");
  };
  let drained: Promise<void> | undefined;
  return { port: server.port, metricsPort, reloadTls: () => server.reloadTls(), drain: async () => (drained ??= drain()) };
}

/** Callers get a word to quote, the log what happened. */
function faultTeller(log: Log): (error: unknown) => string {
  return (error) => {
    const reference = randomUUID();
    log.error("a call failed", { reference, reason: error instanceof Error ? (error.stack ?? error.message) : messageOf(error) });
    return `reference ${reference}`;
  };
}

function statusPages(store: Store, draining: AbortSignal): PlainPages {
  return {
    "/healthz": async () => ({ status: 200, text: "ok\n" }),
    "/readyz": async () => {
      if (draining.aborted) return { status: 503, text: "draining\n" };
      try {
        await store.ping(AbortSignal.timeout(readyTimeoutMs));
        return { status: 200, text: "ready\n" };
      } catch (error) {
        return { status: 503, text: `database: ${messageOf(error)}\n` };
      }
    },
  };
}
