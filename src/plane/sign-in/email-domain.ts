import { domainToASCII } from "node:url";

/** RFC 5321 §4.5.3.1.3 */
const maxEmailLength = 254;
/** RFC 1035 §2.3.4 */
const maxDomainLength = 253;
const label = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;

/** A domain in lower case and in DNS's letters; undefined for what is none, an address, or a top-level name. */
export function normalDomain(text: string): string | undefined {
  // domainToASCII drops or stops at these.
  if (/[\s\p{Cc}/?#:@%\\]/u.test(text.trim())) return undefined;
  const domain = domainToASCII(text.trim().replace(/\.$/, "")).toLowerCase();
  const labels = domain.split(".");
  if (domain.length > maxDomainLength || labels.length < 2 || !labels.every((one) => label.test(one))) return undefined;
  return /^\d+$/.test(labels.at(-1) ?? "") ? undefined : domain;
}

/** An e-mail address in lower case with its domain, or undefined. Quoted local parts are not taken. */
export function normalEmail(text: string): { readonly email: string; readonly domain: string } | undefined {
  const parts = text.trim().split("@");
  const [local = "", domainText = ""] = parts;
  const domain = normalDomain(domainText);
  if (parts.length !== 2 || domain === undefined || !/^[^\s"(),:;<>[\]\\]{1,64}$/.test(local)) return undefined;
  const email = `${local.toLowerCase()}@${domain}`;
  return email.length > maxEmailLength ? undefined : { email, domain };
}
