import { create, type DescMethodUnary, type DescService } from "@bufbuild/protobuf";
import { timestampFromMs, type Timestamp } from "@bufbuild/protobuf/wkt";
import { type CallOptions, type Client, createClient, type Transport } from "@connectrpc/connect";
import { join } from "node:path";
import { planeCallFailure, planeTransport } from "../../bridge/plane-transport.ts";
import { PlaneSession, type SignedInPerson } from "../../bridge/plane-session.ts";
import { Backoff } from "../../bridge/runner/backoff.ts";
import { FileTokenStore, type Keychain, SealedTokenStore, takeOverSignIn, type TokenStore } from "../../bridge/token-store.ts";
import { BerthError } from "../../contract/berth-error.ts";
import {
  type Context,
  Context_State,
  ContextSchema,
  type ListRemoteEnvironmentsResponse,
  type RemoteEnvironment,
} from "../../contract/gen/berth/v1/context_pb.js";
import { EnvironmentService } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { OrganizationService } from "../../contract/gen/gitpod/v1/organization_pb.js";
import { abortable } from "../../lib/abortable.ts";
import { systemClock } from "../../lib/clock.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import { droppedMessage, waitingMessage } from "./change-messages.ts";
import type { ContextRecord } from "./context-store.ts";
import { KnownEnvironments, knownResponse } from "./known-environments.ts";
import { listRemoteEnvironments, plain } from "./list-environments.ts";
import { newSignIn, type SignInMethod, type SignInStep } from "./new-sign-in.ts";
import { PassThrough } from "./pass-through.ts";
import { RemoteWork } from "./remote-work.ts";

/** All pages of a list, from a plane that is far away. */
const listTimeoutMs = 60_000;
const firstRetryMs = 1000;
const maxRetryMs = 60_000;
/** When what the plane put off is tried again. */
const putOffMs = 30_000;

export interface RemoteContextOptions {
  readonly record: ContextRecord;
  /** There already, and the person's alone. */
  readonly folder: string;
  readonly keychain: Keychain | undefined;
  readonly log: Log;
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Called when what is known of its environments may have changed. */
  readonly onListed: () => void;
}

/** A remote plane and the sign-in to it. Whatever becomes of it, nothing on this computer changes. */
export class RemoteContext {
  readonly record: ContextRecord;
  readonly work: RemoteWork;
  readonly #options: RemoteContextOptions;
  readonly #planeUrl: URL;
  readonly #tokens: TokenStore;
  readonly #takeOver: () => Promise<void>;
  readonly #session: PlaneSession;
  readonly #known: KnownEnvironments;
  readonly #transport: Transport;
  readonly #passThrough: PassThrough;
  readonly #backoff: Backoff;
  #cancelRetry: (() => void) | undefined;
  #tryAgainAtMs = 0;
  /** Why the plane was not reached last; undefined when it was, or was not tried. */
  #offlineBecause: string | undefined;
  /** Why what the plane said last is not there after a restart. */
  #unkeptBecause: string | undefined;
  #asking: Promise<ListRemoteEnvironmentsResponse> | undefined;
  #signingIn: AbortController | undefined;
  /** Aborts what is under way for a sign-in that has ended. */
  #signIn = new AbortController();

  constructor(options: RemoteContextOptions) {
    const { record, folder, keychain, log, now, random } = options;
    this.record = record;
    this.#options = options;
    this.#planeUrl = new URL(record.planeUrl);
    const [clearPath, sealedPath] = [join(folder, "sign-in.json"), join(folder, "sign-in.sealed")];
    const sealed = keychain === undefined ? undefined : new SealedTokenStore(keychain, sealedPath);
    this.#tokens = sealed ?? new FileTokenStore(clearPath, sealedPath);
    this.#takeOver = async () => (sealed === undefined ? undefined : takeOverSignIn(clearPath, sealed));
    this.#session = new PlaneSession({ store: this.#tokens, lockPath: join(folder, "sign-in.lock"), log, now });
    this.#known = new KnownEnvironments(join(folder, "environments.json"));
    this.#transport = planeTransport(this.#planeUrl);
    this.#passThrough = new PassThrough(this.#transport);
    this.#backoff = new Backoff({ firstMs: firstRetryMs, maxMs: maxRetryMs, random });
    this.work = new RemoteWork({
      ...{ log, now, random, known: this.#known, transport: this.#transport, changesPath: join(folder, "changes.json") },
      call: async (make, signal) => this.#noted(make, signal),
      callQuietly: async (make, signal) => this.#call(make, AbortSignal.any([signal, this.#signIn.signal])),
      person: async () => this.#person(),
      isAway: () => this.#offlineBecause !== undefined,
      onWaiting: () => this.#tellWaitingLater(),
    });
    this.#tellWaitingLater();
  }

  /** Takes over what a host without a keychain has kept. To be called before all else. */
  async open(): Promise<void> {
    try {
      await this.#takeOver();
    } catch (error) {
      const reason = error instanceof BerthError ? error.detail : messageOf(error);
      this.#options.log.warn("a sign-in that is kept in the clear was not taken over", { context: this.record.name, reason });
    }
  }

  /** Where all that is kept of it is. */
  get folder(): string {
    return this.#options.folder;
  }

  /** Until when clocks are held off. */
  get tryAgainAtMs(): number {
    return this.#tryAgainAtMs;
  }

  /** How it stands, without asking anybody. */
  async view(): Promise<Context> {
    const { id, name, planeUrl } = this.record;
    const common = {
      contextId: id,
      name,
      planeUrl: new URL(planeUrl).origin,
      sessionOnlyBecause: (await this.#tokens.sessionOnlyBecause()) ?? "",
    };
    let person: SignedInPerson | undefined;
    try {
      person = await this.#session.who();
    } catch (error) {
      const detail = error instanceof BerthError ? error.detail : messageOf(error);
      return create(ContextSchema, { ...common, state: Context_State.SIGNED_OUT, detail });
    }
    if (person === undefined) return create(ContextSchema, { ...common, state: Context_State.SIGNED_OUT });
    const known = await this.#known.of(person);
    return create(ContextSchema, {
      ...common,
      waitingChanges: (await this.work.changesOf(person)).waiting.length,
      state: this.#offlineBecause === undefined ? Context_State.SIGNED_IN : Context_State.OFFLINE,
      detail: plain(this.#offlineBecause ?? this.#unkeptBecause ?? ""),
      accountId: person.accountId,
      accountName: plain(person.name),
      organizationId: person.organizationId,
      organizationName: known?.context?.organizationName ?? "",
      personalAccessToken: person.isPersonalAccessToken,
      ...reachedAt(known?.knownAt),
    });
  }

  /** Signs in, and ends an attempt that is under way. Fails as the functions of the bridge do. */
  async signIn(method: SignInMethod, tell: (step: SignInStep) => void, signal: AbortSignal): Promise<Context> {
    this.#signingIn?.abort(new BerthError("canceled", "another sign-in to this plane was begun"));
    const mine = new AbortController();
    this.#signingIn = mine;
    try {
      const attempt = AbortSignal.any([signal, mine.signal]);
      const signedIn = await newSignIn(this.#planeUrl, method, tell, attempt);
      attempt.throwIfAborted();
      this.#endAsking();
      await this.#session.begin(signedIn);
      // Another person's list is nothing to keep.
      if ((await this.#known.of(signedIn)) === undefined) await this.#known.clear();
    } finally {
      if (this.#signingIn === mine) this.#signingIn = undefined;
    }
    this.#options.log.info("signed in to a plane", { context: this.record.name, plane: this.record.planeUrl });
    return this.view();
  }

  /**
   * Signs out here at once; the answer says whether the plane knows. What was known of it goes too. Fails with `changes-waiting`
   * while there are changes that the plane was not told, unless they are discarded.
   */
  async signOut(options: { readonly discardChanges: boolean }): Promise<{ readonly revoked: boolean }> {
    // A sign-in that cannot be read has no changes to keep.
    const person = await this.#session.who().catch(() => undefined);
    if (person !== undefined) await this.work.leave(person, options);
    this.#signingIn?.abort(new BerthError("canceled", "the person signed out"));
    this.#endAsking();
    const { revoked } = await this.#session.signOut();
    await this.#known.clear();
    this.#options.onListed();
    return { revoked };
  }

  /**
   * The plane's environments, or those that it told of last while it is away. Fails with `sign-in-required`, and with
   * `plane-unreachable` when nothing is known.
   */
  async environments({ polling }: { readonly polling: boolean }, signal: AbortSignal): Promise<ListRemoteEnvironmentsResponse> {
    const person = await this.#person();
    if (polling && this.#options.now() < this.#tryAgainAtMs) return this.#lastKnown(person);
    return abortable(this.#askOnce(person), signal);
  }

  /** Makes one call of the plane's API in the person's name, and gives its answer. Fails with what the plane says. */
  async callPlane(method: DescMethodUnary, message: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    if ((await this.#session.who()) === undefined) throw new BerthError("sign-in-required", `nobody is signed in to ${this.record.name}`);
    const ended = this.#signIn.signal;
    return this.#passThrough.call(method, message, {
      signal: AbortSignal.any([signal, ended]),
      withToken: async (make, until) => this.#call(make, until),
    });
  }

  /** The environments that the plane told of last to who is signed in; asks nobody. */
  async lastKnown(): Promise<readonly RemoteEnvironment[]> {
    const person = await this.#session.who().catch(() => undefined);
    return person === undefined ? [] : ((await this.#known.of(person))?.environments ?? []);
  }

  /** Makes one call to the plane as who is signed in. Fails with what it says, `sign-in-required` or `plane-unreachable`. */
  async ask<Service extends DescService, T>(
    service: Service,
    make: (client: Client<Service>, options: CallOptions) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    try {
      return await this.#call(async (options) => make(createClient(service, this.#transport), options), signal);
    } catch (error) {
      signal.throwIfAborted();
      throw planeCallFailure(error);
    }
  }

  /** Does something with a token, and with a new one when that was not taken. */
  async withToken<T>(work: (token: string) => Promise<T>, signal: AbortSignal): Promise<T> {
    const token = await this.#session.accessToken(signal);
    try {
      return await work(token);
    } catch (error) {
      if (planeCallFailure(error).code !== "sign-in-required") throw error;
      this.#session.refuse(token);
      return work(await this.#session.accessToken(signal));
    }
  }

  async #person(): Promise<SignedInPerson> {
    const person = await this.#session.who();
    if (person === undefined) throw new BerthError("sign-in-required", `nobody is signed in to ${this.record.name}`);
    return person;
  }

  /** Ends what is under way. */
  close(): void {
    this.#signingIn?.abort(new BerthError("canceled", "Berth ends"));
    this.#cancelRetry?.();
    this.#endAsking();
  }

  /** Whoever asks at the same time gets the same answer. */
  async #askOnce(person: SignedInPerson): Promise<ListRemoteEnvironmentsResponse> {
    if (this.#asking !== undefined) return this.#asking;
    const asking = this.#ask(person, this.#signIn.signal).finally(() => {
      if (this.#asking === asking) this.#asking = undefined;
    });
    this.#asking = asking;
    return asking;
  }

  async #ask(person: SignedInPerson, ended: AbortSignal): Promise<ListRemoteEnvironmentsResponse> {
    const signal = AbortSignal.any([ended, AbortSignal.timeout(listTimeoutMs)]);
    try {
      await this.work.tellWaiting(person, signal);
      const call = async <T>(make: (options: CallOptions) => Promise<T>): Promise<T> => this.#call(make, signal);
      const { environments, truncated } = await listRemoteEnvironments(createClient(EnvironmentService, this.#transport), call);
      const organizationName = await this.#organizationName(person, call);
      ended.throwIfAborted();
      this.#reached();
      if (await this.work.hasWork(person)) this.#tellWaitingLater(putOffMs);
      const knownAt = timestampFromMs(this.#options.now());
      const context = create(ContextSchema, { ...(await this.view()), organizationName, lastReachedAt: knownAt });
      const known = knownResponse({ context, environments, truncated, knownAt, waiting: [], dropped: [] });
      ended.throwIfAborted();
      await this.#keep(known);
      this.#options.onListed();
      return await this.#withChanges(knownResponse({ ...known, context: await this.view() }), person);
    } catch (error) {
      if (ended.aborted) throw new BerthError("canceled", "the sign-in ended meanwhile", { cause: error });
      const failure = planeCallFailure(error);
      if (failure.code === "sign-in-required") await this.#known.clear();
      if (failure.code !== "plane-unreachable") throw failure;
      this.#away(failure);
      return this.#lastKnown(person);
    }
  }

  /** A list that cannot be kept is shown all the same; how the context stands then says why. */
  async #keep(known: ListRemoteEnvironmentsResponse): Promise<void> {
    try {
      await this.#known.save(known);
      this.#unkeptBecause = undefined;
    } catch (error) {
      this.#unkeptBecause = `the list could not be kept for when the plane is away: ${messageOf(error)}`;
      this.#options.log.warn("a plane's list was not kept", { context: this.record.name, reason: messageOf(error) });
    }
  }

  async #lastKnown(person: SignedInPerson): Promise<ListRemoteEnvironmentsResponse> {
    const known = await this.#known.of(person);
    if (known === undefined) throw new BerthError("plane-unreachable", this.#offlineBecause ?? this.#planeUrl.host);
    return this.#withChanges(knownResponse({ ...known, context: await this.view() }), person);
  }

  /** The list with what waits for the plane now. */
  async #withChanges(known: ListRemoteEnvironmentsResponse, person: SignedInPerson): Promise<ListRemoteEnvironmentsResponse> {
    const { waiting, dropped } = await this.work.changesOf(person);
    return knownResponse({ ...known, waiting: waiting.map(waitingMessage), dropped: dropped.map(droppedMessage) });
  }

  async #organizationName({ organizationId, ...person }: SignedInPerson, call: CallWithToken): Promise<string> {
    const known = (await this.#known.of({ organizationId, ...person }))?.context?.organizationName ?? "";
    if (known !== "") return known;
    const client = createClient(OrganizationService, this.#transport);
    try {
      const { organization } = await call(async (options) => client.getOrganization({ organizationId }, options));
      return plain(organization?.name ?? "");
    } catch {
      // It is for people's eyes alone, a role may not show it, and the next list asks again.
      return "";
    }
  }

  /** Makes a call with a token, and notes whether the plane is away. Fails as the plane says. */
  async #noted<T>(make: (options: CallOptions) => Promise<T>, signal: AbortSignal): Promise<T> {
    const attempt = AbortSignal.any([signal, this.#signIn.signal]);
    try {
      const answer = await this.#call(make, attempt);
      this.#reached();
      return answer;
    } catch (error) {
      if (attempt.aborted) throw new BerthError("canceled", "it was given up", { cause: error });
      const failure = planeCallFailure(error);
      if (failure.code === "sign-in-required") await this.#known.clear();
      if (failure.code === "plane-unreachable") this.#away(failure);
      throw failure;
    }
  }

  #reached(): void {
    this.#offlineBecause = undefined;
    this.#tryAgainAtMs = 0;
    this.#backoff.reset();
  }

  #away({ detail }: BerthError): void {
    // Several calls of one try are one failure.
    const isKnown = this.#offlineBecause !== undefined && this.#options.now() < this.#tryAgainAtMs;
    this.#offlineBecause = detail;
    if (isKnown) return;
    this.#tryAgainAtMs = this.#options.now() + this.#backoff.next();
    this.#tellWaitingLater(this.#tryAgainAtMs - this.#options.now());
  }

  /** Tells the plane of what waits also when nobody asks for the list. */
  #tellWaitingLater(delayMs = firstRetryMs): void {
    this.#cancelRetry?.();
    this.#cancelRetry = systemClock.after(delayMs, () => {
      this.#tellWaiting().catch((error: unknown) =>
        this.#options.log.info("what waits for a plane was not told", { context: this.record.name, error: messageOf(error) }),
      );
    });
  }

  async #tellWaiting(): Promise<void> {
    const person = await this.#session.who();
    // Asking for the list tells of them first.
    if (person !== undefined && (await this.work.hasWork(person))) await this.#askOnce(person);
  }

  /** Makes a call with a token; with a new one when the plane does not take the first. */
  async #call<T>(make: (options: CallOptions) => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.withToken(async (token) => make({ headers: { authorization: `Bearer ${token}` }, signal }), signal);
  }

  #endAsking(): void {
    this.#signIn.abort();
    this.#signIn = new AbortController();
    this.#asking = undefined;
    this.#reached();
    this.#unkeptBecause = undefined;
  }
}

type CallWithToken = <T>(make: (options: CallOptions) => Promise<T>) => Promise<T>;

function reachedAt(knownAt: Timestamp | undefined): { lastReachedAt?: Timestamp } {
  return knownAt === undefined ? {} : { lastReachedAt: knownAt };
}
