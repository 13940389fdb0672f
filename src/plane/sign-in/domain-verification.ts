import { BerthError } from "../../contract/berth-error.ts";
import { abortable } from "../../lib/abortable.ts";
import { normalDomain } from "./email-domain.ts";
import { newSecret } from "./secret.ts";

const recordLabel = "_berth-challenge";
const valuePrefix = "berth-domain-verification=";
const domainLookupTimeoutMs = 10_000;
/** More records than this are not read. */
const maxRecords = 100;
/** Answers of a resolver that say: there is no such record. */
const absent: ReadonlySet<unknown> = new Set(["ENOTFOUND", "ENODATA"]);

/** The part of node:dns/promises.Resolver in use. */
export interface TxtResolver {
  resolveTxt(hostname: string): Promise<string[][]>;
}

/** The TXT record that proves a domain to be an organization's. */
export interface DomainRecord {
  readonly name: string;
  readonly value: string;
}

/** A token for a new verification; it belongs to one organization and one domain. */
export function newDomainToken(): string {
  return newSecret();
}

/** The domain in the form in which it is kept. Fails with `request-invalid`. */
export function parseDomain(text: string): string {
  const domain = normalDomain(text);
  if (domain === undefined) throw new BerthError("request-invalid", `'${text.slice(0, 260)}' is no domain name`);
  return domain;
}

export function domainRecord(domain: string, token: string): DomainRecord {
  return { name: `${recordLabel}.${domain}`, value: `${valuePrefix}${token}` };
}

/** Proves by DNS that whoever has the token rules over the domain. A domain says nothing about those below it. */
export class DomainVerifier {
  readonly #resolver: TxtResolver;

  constructor(resolver: TxtResolver) {
    this.#resolver = resolver;
  }

  /** Returns when the record is there. Fails with `domain-record-missing` or `domain-lookup-failed`. */
  async verify(domain: string, token: string, signal: AbortSignal): Promise<void> {
    const { name, value } = domainRecord(domain, token);
    const records = await this.#records(name, AbortSignal.any([signal, AbortSignal.timeout(domainLookupTimeoutMs)]));
    // A record longer than 255 bytes comes in several strings (RFC 7208 §3.3 says how they are joined).
    if (!records.slice(0, maxRecords).some((strings) => strings.join("") === value))
      throw new BerthError("domain-record-missing", `${name} has no TXT record '${value}'`);
  }

  async #records(name: string, signal: AbortSignal): Promise<string[][]> {
    try {
      return await abortable(this.#resolver.resolveTxt(name), signal);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (absent.has(code)) return [];
      throw new BerthError("domain-lookup-failed", `TXT records of ${name} could not be read`, { cause: error });
    }
  }
}
