import { BlockList, isIP, isIPv4 } from "node:net";

/** IPv4 networks that are not the public internet: RFC 6890 and the registry of special-purpose addresses. */
const specialIPv4 = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const;

/** Of IPv6 only 2000::/3 is given out, and of that these lead elsewhere: Teredo and others, documentation, 6to4. */
const specialIPv6 = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const;

const mappedPrefix = /^::ffff:/i;

/** Which addresses the plane may connect to: the public internet, and what its operator allows beside it (S16). */
export class AddressRules {
  readonly #special = new BlockList();
  readonly #given = new BlockList();
  readonly #allowed = new BlockList();

  /** `allowedNetworks` are addresses or CIDR ranges such as `10.1.0.0/16` or `::1`; anything else throws. */
  constructor(allowedNetworks: readonly string[]) {
    for (const [network, prefix] of specialIPv4) this.#special.addSubnet(network, prefix, "ipv4");
    for (const [network, prefix] of specialIPv6) this.#special.addSubnet(network, prefix, "ipv6");
    this.#given.addSubnet("2000::", 3, "ipv6");
    for (const network of allowedNetworks) {
      const [address = "", prefix] = network.split("/");
      const family = isIPv4(address) ? "ipv4" : "ipv6";
      if (prefix === undefined) this.#allowed.addAddress(address, family);
      else this.#allowed.addSubnet(address, Number(prefix), family);
    }
  }

  allows(address: string): boolean {
    const family = isIP(address);
    if (family === 0) return false;
    const mapped = family === 6 && mappedPrefix.test(address) ? address.replace(mappedPrefix, "") : undefined;
    if (mapped !== undefined && isIPv4(mapped)) return this.allows(mapped);
    if (family === 4) return this.#allowed.check(address, "ipv4") || !this.#special.check(address, "ipv4");
    if (this.#allowed.check(address, "ipv6")) return true;
    return this.#given.check(address, "ipv6") && !this.#special.check(address, "ipv6");
  }
}
