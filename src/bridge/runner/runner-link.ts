import type { MessageInitShape } from "@bufbuild/protobuf";
import { BerthError } from "../../contract/berth-error.ts";
import type { EnvironmentClass, RunnerConfigurationSchemaSchema } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import {
  RunnerInteractionService,
  type UpdateRunnerStatusRequestSchema,
  type WatchRequestsResponse,
} from "../../contract/gen/gitpod/v1/runner_interaction_pb.js";
import { markActiveIntervalMs, newSession, resyncIntervalMs, runnerSessionHeader } from "../../contract/runner-protocol.ts";
import { type Clock, deadline, pause } from "../../lib/clock.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import { type KeyPair, openSealed } from "../../lib/sealed-box.ts";
import type { RequestAnswerer } from "./answer-requests.ts";
import type { Backoff } from "./backoff.ts";
import { steadyAfterMs, streamSilenceMs } from "./limits.ts";
import type { PlaneConnection } from "./plane-connection.ts";
import type { RemoteEnvironmentStore } from "./remote-environment-store.ts";
import type { RunnerCredentials } from "./runner-credentials.ts";
import type { StatusOutbox } from "./status-outbox.ts";

/** How a runner and its plane are to each other. */
export type LinkState =
  | { readonly kind: "connecting" }
  | { readonly kind: "connected"; readonly sinceMs: number }
  /** What runs goes on; what changes waits for the plane to be back. */
  | { readonly kind: "offline"; readonly sinceMs: number; readonly reason: BerthError }
  /** For good: `runner-replaced`, `runner-signed-up`, `credential-invalid`, `sign-in-required` or another refusal. */
  | { readonly kind: "ended"; readonly reason: BerthError };

/** What a runner says of itself. */
export interface RunnerDescription {
  readonly environmentClasses: readonly EnvironmentClass[];
  readonly status: Omit<MessageInitShape<typeof UpdateRunnerStatusRequestSchema>, "runnerId" | "$typeName">;
  readonly configurationSchema: MessageInitShape<typeof RunnerConfigurationSchemaSchema>;
}

export interface RunnerLinkOptions {
  readonly connection: PlaneConnection;
  readonly keyPair: KeyPair;
  readonly store: RemoteEnvironmentStore;
  readonly outbox: StatusOutbox;
  readonly credentials: RunnerCredentials;
  readonly answerer: RequestAnswerer;
  readonly backoff: Backoff;
  readonly describe: () => Promise<RunnerDescription>;
  /** Somebody uses an environment. */
  readonly onMarkedActive?: (environmentId: string) => void;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
}

/** Keeps a runner connected to its plane: signs up, says that it is there, watches what the plane asks, lists now and then. */
export class RunnerLink {
  readonly #options: RunnerLinkOptions;
  readonly #listeners = new Set<(state: LinkState) => void>();
  readonly #end = new AbortController();
  #state: LinkState = { kind: "connecting" };
  #runnerId: string | undefined;
  #isSignUpOver = false;

  constructor(options: RunnerLinkOptions) {
    this.#options = options;
  }

  get state(): LinkState {
    return this.#state;
  }

  onState(listener: (state: LinkState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Runs until the signal aborts. Ends with the reason, as an error, when the plane will not have this runner any more:
   * trying again would only drive out who took its place.
   */
  async run(signal: AbortSignal): Promise<void> {
    const all = AbortSignal.any([signal, this.#end.signal]);
    const { store, outbox, connection } = this.#options;
    await store.loadCache();
    await Promise.all([
      this.#keepWatching(all),
      this.#repeat(markActiveIntervalMs, async (runnerId) => this.#markActive(runnerId, all), all),
      this.#repeat(resyncIntervalMs, async () => store.resync(), all),
      outbox.run(async (id, status, sending) => this.#guarded(store.send(id, status, sending)), all),
    ]);
    connection.reset("the runner has ended");
    if (this.#state.kind === "ended") throw this.#state.reason;
  }

  /** Tells the plane what changed of this runner, e.g. that it is degraded. */
  async updateStatus(status: RunnerDescription["status"], signal: AbortSignal): Promise<void> {
    const runnerId = this.#runnerId;
    if (runnerId === undefined) throw new BerthError("plane-unreachable", "the runner has not signed up yet");
    const client = this.#options.connection.client(RunnerInteractionService);
    await this.#options.connection.call((call) => client.updateRunnerStatus({ runnerId, ...status }, call), signal);
  }

  async #keepWatching(signal: AbortSignal): Promise<void> {
    const { clock, backoff } = this.#options;
    while (!signal.aborted) {
      const beganMs = clock.nowMs();
      try {
        const runnerId = await this.#signUp(signal);
        await this.#watch(runnerId, signal);
        this.#offline(new BerthError("plane-unreachable", "the plane ended the connection"));
      } catch (error) {
        if (signal.aborted) return;
        this.#offline(error);
      }
      if (clock.nowMs() - beganMs >= steadyAfterMs) backoff.reset();
      await pause(clock, backoff.next(), signal);
    }
  }

  /** Once for each process: a runner that was replaced does not take its place back. */
  async #signUp(signal: AbortSignal): Promise<string> {
    if (this.#runnerId !== undefined && this.#isSignUpOver) return this.#runnerId;
    const { connection, keyPair, describe, store } = this.#options;
    const client = connection.client(RunnerInteractionService);
    const { environmentClasses, configurationSchema, status } = await describe();
    if (this.#runnerId === undefined) {
      const request = { publicKey: keyPair.publicKey, environmentClasses: [...environmentClasses] };
      const answered: { header?: Headers } = {};
      const onHeader = (header: Headers): void => void (answered.header = header);
      const headers = { [runnerSessionHeader]: newSession };
      const { runnerId } = await connection.call((call) => client.signup(request, { ...call, headers, onHeader }), signal);
      await this.#beginSession(answered.header?.get(runnerSessionHeader) ?? undefined);
      this.#runnerId = runnerId;
      store.signedUp(runnerId);
    }
    const runnerId = this.#runnerId;
    await connection.call((call) => client.updateRunnerConfigurationSchema({ runnerId, configSchema: configurationSchema }, call), signal);
    await this.updateStatus(status, signal);
    await this.#markActive(runnerId, signal);
    this.#isSignUpOver = true;
    return runnerId;
  }

  /** A plane that knows of sessions gives one that only the runner's private key opens. */
  async #beginSession(sealed: string | undefined): Promise<void> {
    const { connection, keyPair } = this.#options;
    if (sealed !== undefined) connection.useSession(await openSealed(keyPair, Buffer.from(sealed, "base64")));
  }

  async #watch(runnerId: string, signal: AbortSignal): Promise<void> {
    const { connection, clock } = this.#options;
    const client = connection.client(RunnerInteractionService);
    using silence = deadline(clock, streamSilenceMs, signal);
    try {
      for await (const request of client.watchRequests({ runnerId }, { signal: silence.signal })) {
        silence.restart();
        connection.heard();
        this.#connected();
        this.#take(runnerId, request, signal);
      }
    } catch (error) {
      if (silence.signal.aborted) connection.reset("nothing came over the stream");
      throw signal.aborted ? error : connection.failure(error, silence.signal.aborted);
    }
  }

  /** Deals with one message of the plane, without waiting for what comes of it. */
  #take(runnerId: string, message: WatchRequestsResponse, signal: AbortSignal): void {
    const { store, credentials, answerer, log, onMarkedActive } = this.#options;
    const { request } = message;
    switch (request.case) {
      case "eventEnvironmentSpecChange": {
        const { environmentId } = request.value;
        const refreshed = this.#guarded(store.refresh(environmentId));
        // The next list heals it.
        refreshed.catch((error: unknown) => log.info("a hint was not followed", { environmentId, reason: messageOf(error) }));
        return;
      }
      case "eventEnvironmentMarkedActive":
        return onMarkedActive?.(request.value.environmentId);
      case "eventHostAuthenticationTokenDeleted":
        return credentials.forgetHost(request.value.principalId, request.value.host);
      case "eventScmIntegrationChange":
      case undefined:
        return;
      default:
        void answerer.answer(runnerId, message, signal);
    }
  }

  async #markActive(runnerId: string, signal: AbortSignal): Promise<void> {
    const client = this.#options.connection.client(RunnerInteractionService);
    await this.#options.connection.call((call) => client.markRunnerActive({ runnerId }, call), signal);
  }

  /** Begins somewhere in the first interval, so that runners that started together do not ask together ever after. */
  async #repeat(intervalMs: number, work: (runnerId: string) => Promise<void>, signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#options;
    for (let waitMs = intervalMs * random(); ; waitMs = intervalMs) {
      await pause(clock, waitMs, signal);
      if (signal.aborted) return;
      if (this.#runnerId === undefined) continue;
      await this.#guarded(work(this.#runnerId)).catch((error: unknown) =>
        log.info("the plane was not reached", { reason: messageOf(error) }),
      );
    }
  }

  #connected(): void {
    if (this.#state.kind === "connected") return;
    this.#setState({ kind: "connected", sinceMs: this.#options.clock.nowMs() });
    const { store, outbox, log } = this.#options;
    outbox.connected();
    void this.#guarded(store.resync()).catch((error: unknown) =>
      log.info("the environments were not listed", { reason: messageOf(error) }),
    );
  }

  #offline(error: unknown): void {
    if (this.#endOn(error) || this.#state.kind === "offline") return;
    const reason = error instanceof BerthError ? error : new BerthError("plane-unreachable", messageOf(error), { cause: error });
    this.#setState({ kind: "offline", sinceMs: this.#options.clock.nowMs(), reason });
  }

  /** Ends everything when a call was refused for good. */
  async #guarded<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      this.#endOn(error);
      throw error;
    }
  }

  #endOn(error: unknown): boolean {
    if (!(error instanceof BerthError) || !finalCodes.has(error.code)) return false;
    if (this.#state.kind !== "ended") this.#setState({ kind: "ended", reason: error });
    this.#end.abort(error);
    return true;
  }

  #setState(state: LinkState): void {
    if (this.#state.kind === "ended") return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}

/** A served plane tells `sign-in-required` of a token that it does not know any more, whoever had it. */
const finalCodes: ReadonlySet<string> = new Set(["runner-replaced", "runner-signed-up", "credential-invalid", "sign-in-required"]);
