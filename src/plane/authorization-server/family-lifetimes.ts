import { errors, type KoaContextWithOIDC } from "oidc-provider";
import { type Vouching, maxWordMs } from "../sign-in/vouching.ts";
import { type Subject, parseSubject } from "./subject.ts";

/** A sign-in of an app ends when its provider's word does, unless the provider can be asked for a new one (S7). */
const maxFamilyS = maxWordMs / 1000;
export const maxVouchedFamilyS = 30 * 24 * 60 * 60;

export interface FamilyNeeds {
  readonly vouching: Pick<Vouching, "wordOn">;
  /** Ends all that somebody is signed in with, for whom the provider does not vouch any more. */
  readonly endAllOf: (subject: Subject) => Promise<void>;
  readonly now: () => number;
}

/** How long families of refresh tokens live: what the provider says when one is about to be given decides. */
export class FamilyLifetimes {
  readonly #needs: FamilyNeeds;
  /** Whether a provider vouches for whom a request is about; what is asked is needed a moment later, when nothing can wait. */
  readonly #vouched = new WeakMap<KoaContextWithOIDC, boolean>();

  constructor(needs: FamilyNeeds) {
    this.#needs = needs;
  }

  /** True, or the error that the app is told: the sign-in is over, or nobody can say now. */
  async mayGoOn(ctx: KoaContextWithOIDC, subjectText: string | undefined): Promise<true> {
    const subject = parseSubject(subjectText);
    if (subject === undefined) throw new errors.InvalidGrant("it is nobody's");
    const word = await this.#needs.vouching.wordOn(subject);
    if (word === "refused") {
      await this.#needs.endAllOf(subject);
      throw new errors.InvalidGrant("the identity provider does not vouch for the person any more");
    }
    if (word === "unknown") throw new errors.TemporarilyUnavailable("the identity provider cannot be asked");
    this.#vouched.set(ctx, word === "vouched");
    return true;
  }

  /** Of the next refresh token, in seconds. */
  lifetimeS(ctx: KoaContextWithOIDC, signedInAtS: number | undefined): number {
    const nowS = Math.floor(this.#needs.now() / 1000);
    const longestS = this.#vouched.get(ctx) === true ? maxVouchedFamilyS : maxFamilyS;
    const leftS = (signedInAtS ?? nowS) + longestS - nowS;
    if (leftS <= 0) throw new errors.InvalidGrant("the sign-in has ended");
    return Math.min(leftS, longestS);
  }
}
