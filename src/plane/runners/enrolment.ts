import { create } from "@bufbuild/protobuf";
import { createHash, randomBytes } from "node:crypto";
import { BerthError } from "../../contract/berth-error.ts";
import { RunnerPhase, RunnerStatusSchema } from "../../contract/gen/gitpod/v1/runner_pb.js";
import type { RunnerPrincipal } from "../../contract/principal.ts";
import type { Clock } from "../../lib/clock.ts";
import { sealTo } from "../../lib/sealed-box.ts";
import { exchangeTokenTtlMs } from "./limits.ts";
import type { RunnerCredential, RunnerCredentials, RunnerRecord, RunnerRecords } from "./ports.ts";

const tokenBytes = 32;
/** After every time there is. */
const forever = Number.MAX_SAFE_INTEGER;
/** Of runners that know nothing of sessions. */
const unboundSession = "unbound";
const prefixes = { exchange: "berth_rx_", access: "berth_ra_" } as const;

export interface SignUp {
  readonly runnerId: string;
  /** X25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** It asks for a session that is tied to its key. */
  readonly wantsSession: boolean;
  /** The token it calls with. */
  readonly accessToken: string;
}

export interface SignedUp {
  readonly isKeyReplaced: boolean;
  /** Undefined where none was asked for. */
  readonly sealedSession: Uint8Array | undefined;
}

/** How a computer becomes a runner: an exchange token, once, for an access token; then a sign-up with its public key. */
export class RunnerEnrolment {
  readonly #records: RunnerRecords;
  readonly #credentials: RunnerCredentials;
  readonly #clock: Clock;

  constructor(options: { readonly records: RunnerRecords; readonly credentials: RunnerCredentials; readonly clock: Clock }) {
    this.#records = options.records;
    this.#credentials = options.credentials;
    this.#clock = options.clock;
  }

  /** A token that one computer may use once within 24 hours to become this runner. One that was not used before is void then. */
  async issueExchangeToken(runnerId: string): Promise<string> {
    const record = await this.#records.find(runnerId);
    if (record === undefined) throw new BerthError("resource-not-found", `there is no runner ${runnerId}`);
    const issuedAtMs = this.#clock.nowMs();
    await this.#credentials.removeIssuedBefore(runnerId, "exchange", forever);
    return this.#issue({ kind: "exchange", record, issuedAtMs, expiresAtMs: issuedAtMs + exchangeTokenTtlMs });
  }

  /** The access token for an exchange token. Fails with `exchange-token-invalid`, whatever is wrong with it. */
  async exchange(exchangeToken: string): Promise<string> {
    const taken = await this.#credentials.take(hashOf(exchangeToken));
    const nowMs = this.#clock.nowMs();
    const isGood = taken?.kind === "exchange" && taken.expiresAtMs !== undefined && taken.expiresAtMs > nowMs;
    const record = isGood ? await this.#records.find(taken.runnerId) : undefined;
    if (record === undefined || isGoing(record)) throw new BerthError("exchange-token-invalid", "it is not good, or not any more");
    // Tokens that nobody has signed up with: whoever has one was overtaken, and may have got it by a clock that goes ahead.
    await this.#credentials.removeIssuedAfter(record.runner.runnerId, "access", record.credentialIssuedAtMs);
    // Newer than what the runner has, also where the servers' clocks differ.
    const issuedAtMs = Math.max(nowMs, record.credentialIssuedAtMs + 1);
    return this.#issue({ kind: "access", record, issuedAtMs, expiresAtMs: undefined });
  }

  /** Whose access token this is; undefined when it is no runner's, or was taken back. */
  async authenticate(accessToken: string): Promise<RunnerPrincipal | undefined> {
    if (!accessToken.startsWith(prefixes.access)) return undefined;
    const credential = await this.#credentials.find(hashOf(accessToken));
    if (credential?.kind !== "access") return undefined;
    return { kind: "runner", id: credential.runnerId, organizationId: credential.organizationId };
  }

  /**
   * Lets a process become the one that is listened to as this runner. Fails with `runner-signed-up` when another key signed
   * up with this or a newer credential: a key is replaced by who got a newer exchange token, and by nobody else.
   * @returns Whether the runner's key is another one than before, and the session, sealed to the key.
   */
  async signUp({ runnerId, publicKey, wantsSession, accessToken }: SignUp): Promise<SignedUp> {
    const credential = await this.#credentials.find(hashOf(accessToken));
    if (credential?.kind !== "access" || credential.runnerId !== runnerId)
      throw new BerthError("credential-invalid", "the runner's token was taken back");
    const session = wantsSession ? randomBytes(tokenBytes).toString("base64url") : undefined;
    let isKeyReplaced = false;
    await this.#records.update(runnerId, (record) => {
      const known = record.runner.status?.publicKey ?? new Uint8Array();
      isKeyReplaced = known.length > 0 && !Buffer.from(known).equals(publicKey);
      if (isGoing(record)) throw new BerthError("credential-invalid", "the runner is being deleted");
      if (credential.issuedAtMs < record.credentialIssuedAtMs) throw new BerthError("credential-invalid", "the runner has a newer token");
      const isNewer = credential.issuedAtMs > record.credentialIssuedAtMs;
      if (isKeyReplaced && !isNewer) throw new BerthError("runner-signed-up", "only a new exchange token makes another key this runner's");
      const isBound = record.session !== "" && record.session !== unboundSession;
      if (isBound && !wantsSession && !isNewer) throw new BerthError("runner-signed-up", "its sessions are tied to its key");
      return signedUp(record, { publicKey, credentialIssuedAtMs: credential.issuedAtMs, ...sessionsOf(record, session, isNewer) });
    });
    // Who held an older token, by right or not, is shut out.
    await this.#credentials.removeIssuedBefore(runnerId, "access", credential.issuedAtMs);
    return { isKeyReplaced, sealedSession: session === undefined ? undefined : await sealTo(publicKey, session) };
  }

  /** Takes back all that lets anybody be this runner. */
  async revoke(runnerId: string): Promise<void> {
    await this.#credentials.removeIssuedBefore(runnerId, "exchange", forever);
    await this.#credentials.removeIssuedBefore(runnerId, "access", forever);
  }

  /**
   * Whether a call with this session, empty for none, is to be listened to; fails with `runner-replaced` otherwise. The
   * first call of a process that signed up shuts out the one before it.
   * @returns The session's name among the runner's streams, and whether it has just begun.
   */
  async admit(runnerId: string, session: string): Promise<{ readonly name: string; readonly isNew: boolean }> {
    const name = session === "" ? unboundSession : hashOf(session);
    const known = await this.#records.find(runnerId);
    if (known === undefined) throw new BerthError("credential-invalid", "the runner was deleted");
    if (known.session === name) return { name, isNew: false };
    let isNew = false;
    const changed = await this.#records.update(runnerId, (record) => {
      isNew = record.pendingSession === name;
      return isNew ? { ...record, session: name, pendingSession: "" } : undefined;
    });
    if (changed.session !== name) throw new BerthError("runner-replaced", "another process has signed up as this runner since");
    return { name, isNew };
  }

  async #issue(options: {
    readonly kind: RunnerCredential["kind"];
    readonly record: RunnerRecord;
    readonly issuedAtMs: number;
    readonly expiresAtMs: number | undefined;
  }): Promise<string> {
    const { kind, record, issuedAtMs, expiresAtMs } = options;
    const token = `${prefixes[kind]}${randomBytes(tokenBytes).toString("base64url")}`;
    const { organizationId, runner } = record;
    await this.#credentials.insert({ hash: hashOf(token), kind, runnerId: runner.runnerId, organizationId, issuedAtMs, expiresAtMs });
    return token;
  }
}

type SignUpChange = Pick<RunnerRecord, "session" | "pendingSession" | "credentialIssuedAtMs">;

function signedUp(record: RunnerRecord, signUp: SignUpChange & { readonly publicKey: Uint8Array }): RunnerRecord {
  const { publicKey, ...known } = signUp;
  const before = record.runner.status ?? create(RunnerStatusSchema);
  const isNew = before.phase === RunnerPhase.UNSPECIFIED || before.phase === RunnerPhase.CREATED;
  const phase = isNew ? RunnerPhase.INACTIVE : before.phase;
  return { ...record, ...known, runner: { ...record.runner, status: { ...before, phase, publicKey } } };
}

/** A newer credential shuts out who was there at once; with the same one, a process has to show first that it has the key. */
function sessionsOf(record: RunnerRecord, session: string | undefined, isNewer: boolean): Omit<SignUpChange, "credentialIssuedAtMs"> {
  if (session === undefined) return { session: unboundSession, pendingSession: "" };
  return { session: isNewer ? "" : record.session, pendingSession: hashOf(session) };
}

/** Tokens are 256 random bits, so a plain hash is enough. */
function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

function isGoing({ runner }: RunnerRecord): boolean {
  const phases = [runner.status?.phase, runner.spec?.desiredPhase];
  return phases.some((phase) => phase === RunnerPhase.DELETING || phase === RunnerPhase.DELETED);
}
