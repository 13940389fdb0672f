import { isIPv6 } from "node:net";

const ipv6Groups = 8;
/** Whoever is given IPv6 is given this much of an address at least, and chooses the rest as they like: 64 bits. */
const givenGroups = 4;
const mappedPrefix = "0:0:0:0:0:ffff";

/** What one party has of a client's address: an IPv4 address as it is, of IPv6 the /64. For counting what comes from it. */
export function addressBlock(address: string): string {
  const [plain = ""] = address.split("%");
  if (!isIPv6(plain)) return address;
  const groups = groupsOf(plain);
  if (groups.slice(0, 6).join(":") === mappedPrefix) return ipv4Of(groups);
  return `${groups.slice(0, givenGroups).join(":")}::/64`;
}

/** All eight groups; the URL parser gives an address its shortest form (RFC 5952). */
function groupsOf(address: string): string[] {
  const shortest = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [before = [], after = []] = shortest.split("::").map((part) => part.split(":").filter((group) => group !== ""));
  const zeros = Array.from({ length: ipv6Groups - before.length - after.length }, () => "0");
  return [...before, ...zeros, ...after];
}

function ipv4Of(groups: readonly string[]): string {
  const [high = 0, low = 0] = groups.slice(-2).map((group) => Number.parseInt(group, 16));
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join(".");
}
