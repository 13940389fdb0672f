import { readFile } from "node:fs/promises";
import { isIPv4 } from "node:net";

const path = "/etc/resolv.conf";

/** The name servers this computer asks now, which another network or a VPN changes, as far as the machine can ask them itself. */
export async function currentNameServers(): Promise<string[]> {
  return usableNameServers(await readFile(path, "utf8").catch(() => ""));
}

/**
 * Those of resolv.conf(5) that the machine can reach. Where the first one is this computer's own stub, or on a link of
 * its own, there are none: the machine's link forwards to it.
 */
export function usableNameServers(resolvConf: string): string[] {
  const all = [...resolvConf.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, address]) => address ?? "");
  const [first] = all;
  return first === undefined || !isReachable(first) ? [] : all.filter(isReachable);
}

function isReachable(address: string): boolean {
  // The machine has no IPv6; 10.0.2.0/24 is its own link.
  return isIPv4(address) && !/^(127\.|0\.|169\.254\.|10\.0\.2\.)/.test(address);
}
