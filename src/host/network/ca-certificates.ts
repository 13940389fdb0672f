import { X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { rootCertificates } from "node:tls";
import { messageOf } from "../../lib/log.ts";

/** More than any bundle of a system has. */
const maxFileBytes = 2 * 1024 ** 2;
const maxCertificates = 500;
const pemPattern = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Authorities of a file in PEM form, each once. Fails with a sentence when there is none, or one that is no authority. */
export function parseAuthorities(pem: string): X509Certificate[] {
  const blocks = pem.match(pemPattern) ?? [];
  if (blocks.length === 0) throw new Error("there is no certificate in PEM form in it");
  if (blocks.length > maxCertificates) throw new Error(`there are more than ${maxCertificates} certificates in it`);
  return blocks.map((block) => {
    const certificate = parse(block);
    if (!certificate.ca) throw new Error(`${subjectOf(certificate)} is the certificate of a server or a person, not of an authority`);
    return certificate;
  });
}

/** The authorities of a file that a person named. Fails with a sentence that names the file. */
export async function readAuthorities(path: string): Promise<X509Certificate[]> {
  try {
    if (!isAbsolute(path)) throw new Error("it is not an absolute path");
    if ((await stat(path)).size > maxFileBytes) throw new Error("it is too large to be a file of certificates");
    return parseAuthorities(await readFile(path, "utf8"));
  } catch (error) {
    throw new Error(`${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** As one text, without those that every program knows already. */
export function extraAuthorities(certificates: readonly X509Certificate[]): string {
  const known = new Set(rootCertificates.map((pem) => parse(pem).fingerprint256));
  const extra = new Map(certificates.map((certificate) => [certificate.fingerprint256, certificate]));
  return [...extra]
    .filter(([fingerprint]) => !known.has(fingerprint))
    .map(([, certificate]) => certificate.toString())
    .join("");
}

/** The name by which people know it. */
export function subjectOf(certificate: X509Certificate): string {
  return certificate.subject.split("\n").join(", ");
}

function parse(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new Error("a certificate in it is damaged", { cause: error });
  }
}
