import { BerthError } from "../../contract/berth-error.ts";
import { parsePlaneAddress } from "../../contract/plane-address.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { RequestAnswerer, type RunnerAnswers } from "./answer-requests.ts";
import { Backoff } from "./backoff.ts";
import type { EnvironmentCache } from "./environment-cache.ts";
import { firstRetryMs, maxRetryMs } from "./limits.ts";
import { PlaneConnection, type PlaneConnectionOptions } from "./plane-connection.ts";
import { RemoteEnvironmentStore } from "./remote-environment-store.ts";
import { type ClassCache, RunnerClasses } from "./runner-classes.ts";
import { RunnerCredentials } from "./runner-credentials.ts";
import { RunnerLink, type RunnerLinkOptions } from "./runner-link.ts";
import type { RunnerState } from "./runner-state.ts";
import { StatusOutbox } from "./status-outbox.ts";
import { type DialSsh, TunnelAnswerer } from "./tunnel-answer.ts";

/** This computer as a runner of a plane. */
export interface Runner {
  /** For the engine, in place of the embedded plane's. */
  readonly environmentStore: RemoteEnvironmentStore;
  /** What the plane says of the classes of its environments here. */
  readonly classes: Pick<RunnerClasses, "find">;
  /** To be run; tells how the plane is reached. */
  readonly link: RunnerLink;
  /** How many environments' newest status the plane does not have yet. */
  readonly pendingCount: () => number;
}

/** Puts a runner's side of the protocol together. Fails with `setting-invalid` when the computer was not enrolled, and `argument-invalid` when its plane's address is none. */
export function createRunner(
  options: {
    readonly state: RunnerState;
    readonly cache: EnvironmentCache;
    readonly classCache: ClassCache;
    readonly answers: RunnerAnswers;
    /** The way to environments' ssh servers. */
    readonly dialSsh: DialSsh;
    readonly describe: RunnerLinkOptions["describe"];
    readonly clock: Clock;
    readonly log: Log;
    /** From 0 to 1. */
    readonly random: () => number;
    /** Ends what is under way; the same as the link is run with. */
    readonly signal: AbortSignal;
  } & Pick<PlaneConnectionOptions, "http2"> &
    Pick<RunnerLinkOptions, "onMarkedActive">,
): Runner {
  const { state, cache, classCache, answers, dialSsh, describe, clock, log, random, signal, http2, onMarkedActive } = options;
  const { planeUrl, accessToken, keyPair } = state;
  if (accessToken === undefined) throw new BerthError("setting-invalid", "this computer is no runner yet");
  const connection = new PlaneConnection({
    planeUrl: parsePlaneAddress(planeUrl).href,
    accessToken,
    clock,
    ...(http2 === undefined ? {} : { http2 }),
  });
  const newBackoff = (): Backoff => new Backoff({ firstMs: firstRetryMs, maxMs: maxRetryMs, random });
  const outbox = new StatusOutbox({ clock, backoff: newBackoff(), log });
  const credentials = new RunnerCredentials({ connection, keyPair, clock });
  const classes = new RunnerClasses({ connection, cache: classCache, log });
  const environmentStore = new RemoteEnvironmentStore({ connection, outbox, credentials, cache, classes, log, signal });
  const tunnels = new TunnelAnswerer({ connection, dialSsh, log, signal });
  const answerer = new RequestAnswerer({ connection, answers, tunnels, clock, log });
  const link = new RunnerLink({
    connection,
    keyPair,
    store: environmentStore,
    outbox,
    credentials,
    answerer,
    backoff: newBackoff(),
    describe,
    clock,
    random,
    log,
    ...(onMarkedActive === undefined ? {} : { onMarkedActive }),
  });
  return { environmentStore, classes, link, pendingCount: () => outbox.pendingCount };
}
