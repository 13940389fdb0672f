import { BerthError } from "../../contract/berth-error.ts";
import type { Log } from "../../lib/log.ts";
import { voucherId, voucherKind } from "../sign-in-store/kinds.ts";
import { sealedOwner } from "../store/renew-sealed.ts";
import type { Sealing } from "../signing-keys/signing-keys.ts";
import type { ProviderConfiguration, ProviderDirectory, ProviderIdentity, Voucher, Vouchers } from "./ports.ts";
import type { RelyingParty } from "./relying-party.ts";

/** How old a provider's word may be without asking again. */
const askEveryMs = 60 * 60_000;
/** How old it may be when the provider cannot be asked (S7). */
export const maxWordMs = 8 * 60 * 60_000;
/** While another process asks; a provider's refresh token works once too. */
const askingMs = 30_000;
/** A voucher goes with the longest sign-in of an app that it can carry. */
const lifetimeMs = 30 * 24 * 60 * 60_000;
/** An app that refreshes waits meanwhile, for 15 s at most, and has to hear the answer. */
const askTimeoutMs = 5000;

/** `none`: the provider gave nothing to ask it by. `unknown`: it cannot be asked, and its last word is too old. */
export type Word = "vouched" | "refused" | "unknown" | "none";

interface Person {
  readonly organizationId: string;
  readonly accountId: string;
}

export interface VouchingNeeds {
  readonly vouchers: Vouchers;
  readonly sealing: Sealing;
  readonly providers: ProviderDirectory;
  readonly relyingParty: RelyingParty;
  readonly log: Log;
  readonly now: () => number;
}

/**
 * Asks identity providers whether they still vouch for people who are signed in with apps, by the refresh token that
 * they gave at the sign-in (`offline_access`). So an app may stay signed in for longer than a provider's word counts, and
 * whoever is turned off at the provider is out within an hour.
 */
export class Vouching {
  readonly #needs: VouchingNeeds;

  constructor(needs: VouchingNeeds) {
    this.#needs = needs;
  }

  /** Keeps what a sign-in brought; without a refresh token what an earlier one brought is forgotten. */
  async keep(person: Person, provider: ProviderConfiguration, identity: ProviderIdentity, refreshToken: string | undefined): Promise<void> {
    const { vouchers, sealing, now } = this.#needs;
    if (refreshToken === undefined) return vouchers.remove(person.organizationId, person.accountId);
    await vouchers.put({
      ...person,
      providerId: provider.id,
      providerSubject: identity.subject,
      sealedRefreshToken: sealing.seal(refreshToken, belongsTo(person)),
      vouchedAtMs: now(),
      askedAtMs: 0,
      expiresAtMs: now() + lifetimeMs,
    });
  }

  /** The provider's word on somebody, asked anew when it is older than an hour. Whoever gets `refused` ends all of the person's sign-ins. */
  async wordOn(person: Person): Promise<Word> {
    const { vouchers, now } = this.#needs;
    const voucher = await vouchers.get(person.organizationId, person.accountId);
    if (voucher === undefined) return "none";
    const nowMs = now();
    if (nowMs - voucher.vouchedAtMs < askEveryMs) return "vouched";
    const isAsked = nowMs - voucher.askedAtMs < askingMs || !(await vouchers.claim(voucher, nowMs));
    return isAsked ? this.#lastWord(voucher) : this.#ask({ ...voucher, askedAtMs: nowMs });
  }

  async #ask(voucher: Voucher): Promise<Word> {
    const { vouchers, sealing, providers, relyingParty, log, now } = this.#needs;
    const provider = await providers.byId(voucher.providerId);
    try {
      const answer =
        provider?.enabled === true
          ? await relyingParty.refresh(provider, {
              refreshToken: sealing.open(voucher.sealedRefreshToken, belongsTo(voucher)),
              subject: voucher.providerSubject,
              signal: AbortSignal.timeout(askTimeoutMs),
            })
          : undefined;
      // Whoever ends the person's sign-ins removes it, last: without it nobody would be asked, and what still runs could go on.
      if (answer === undefined) return (await this.#replacement(voucher)) ?? "refused";
      const sealedRefreshToken = sealing.seal(answer.refreshToken, belongsTo(voucher));
      const isKept = await vouchers.renew(voucher, { ...voucher, sealedRefreshToken, vouchedAtMs: now() });
      return isKept ? "vouched" : ((await this.#replacement(voucher)) ?? "none");
    } catch (error) {
      if (!(error instanceof BerthError)) throw error;
      log.warn("a provider could not be asked about somebody", { provider: voucher.providerId, code: error.code, detail: error.detail });
      return this.#lastWord(voucher);
    }
  }

  /** The word of what took the place of a claimed voucher, e.g. at a new sign-in; undefined while nothing has. */
  async #replacement({ organizationId, accountId, vouchedAtMs, askedAtMs }: Voucher): Promise<Word | undefined> {
    const current = await this.#needs.vouchers.get(organizationId, accountId);
    if (current === undefined) return "none";
    return current.vouchedAtMs === vouchedAtMs && current.askedAtMs === askedAtMs ? undefined : this.#lastWord(current);
  }

  #lastWord({ vouchedAtMs }: Voucher): Word {
    return this.#needs.now() - vouchedAtMs < maxWordMs ? "vouched" : "unknown";
  }
}

/** As the store binds what stands beside a record, so that it can be put under a new key. */
function belongsTo({ organizationId, accountId }: Person): string {
  return sealedOwner(voucherKind.name, voucherId(organizationId, accountId));
}
