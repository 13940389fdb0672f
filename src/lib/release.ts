import { type KeyObject, verify } from "node:crypto";
import { z } from "zod";

/** What a feed offers: release.json, signed by release.json.sig with the key whose public half the app carries. */
const releaseSchema = z.object({
  product: z.literal("berth"),
  channel: z.enum(["stable", "beta"]),
  version: z.string().regex(/^\d+\.\d+\.\d+(?:-beta\.\d+)?$/),
  files: z.array(z.object({ name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/), sha512: z.base64() })).min(1),
});

export type Release = z.infer<typeof releaseSchema>;

/** Reads a signed release; fails in a sentence when the signature, the product or the form is wrong. */
export function readRelease(content: Buffer, signature: Buffer, publicKey: KeyObject): Release {
  if (!verify(null, content, publicKey, signature)) throw new Error("the update's signature is wrong");
  return releaseSchema.parse(JSON.parse(content.toString("utf8")));
}

/** Why a release must not be installed over a version; nothing when it may. */
export function refusalOfRelease(release: Release, current: string, channel: "stable" | "beta"): string | undefined {
  if (compareVersions(release.version, current) <= 0) return `${release.version} is not newer than ${current}`;
  // Who chose beta gets stable releases too, never the other way round.
  return channel === "stable" && release.channel === "beta" ? `${release.version} is a beta` : undefined;
}

/** Whether what the updater would download is what was signed, file by file. */
export function offersOnlySigned(
  release: Release,
  offer: { readonly version: string; readonly files: readonly { readonly sha512: string }[] },
): boolean {
  const signed = new Set(release.files.map(({ sha512 }) => sha512));
  return offer.version === release.version && offer.files.length > 0 && offer.files.every(({ sha512 }) => signed.has(sha512));
}

/** Below zero when `a` is older. A beta is older than its release. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parts(a), parts(b)];
  for (let index = 0; index < left.length; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function parts(version: string): number[] {
  const [numbers = "", beta] = version.split("-beta.");
  return [...numbers.split(".").map(Number), beta === undefined ? Number.MAX_SAFE_INTEGER : Number(beta)];
}
