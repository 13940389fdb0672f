import { isIPv4 } from "node:net";
import { runProcess } from "../run-process.ts";

/** The link's own name server, which containers and the machine ask whatever happens (berth-boot). */
const linkNameServer = "10.0.2.3";

/**
 * Sends what is asked of the link's name server to another one, from now on and for containers that run too. Without
 * one the link forwards to the server that the computer used when the machine started.
 */
export async function useNameServer(server: string | undefined): Promise<void> {
  const { code, stderr } = await runProcess(["nft", "-f", "-"], { stdin: nameServerRules(server) });
  if (code !== 0) throw new Error(`the name server was not changed: ${stderr.toString().trim()}`);
}

/** The rules as nft(8) reads them; both tables in one step, so that no question goes astray. */
export function nameServerRules(server: string | undefined): string {
  const renew = "table ip berth_dns\ndelete table ip berth_dns\n";
  if (server === undefined) return renew;
  if (!isIPv4(server)) throw new Error("a name server is an IPv4 address");
  const rules = ["udp", "tcp"].map((protocol) => `ip daddr ${linkNameServer} ${protocol} dport 53 dnat to ${server}`).join("; ");
  const chain = (hook: string): string => `chain ${hook} { type nat hook ${hook} priority -110; ${rules}; }`;
  return `${renew}table ip berth_dns {\n${chain("prerouting")}\n${chain("output")}\n}\n`;
}
