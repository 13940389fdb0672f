import type { X509Certificate } from "node:crypto";
import { unwatchFile, watchFile } from "node:fs";
import { readFile } from "node:fs/promises";
import { messageOf } from "../../lib/log.ts";
import { isLoopbackProxy, noProxies, parseNoProxy, parseProxyUrl, type ProxySettings, redactProxyUrl } from "../../lib/network/proxy.ts";
import { extraAuthorities, parseAuthorities, readAuthorities, subjectOf } from "./ca-certificates.ts";
import { currentNameServers } from "./name-servers.ts";
import { loopbackProxyFix, type StoredNetwork } from "./network-settings.ts";

/** How soon another network's name servers are noticed. */
const nameServersPollMs = 5000;

/** What the machine is told about the way to the world, as the agent's SetNetwork has it. */
export interface MachineNetwork extends ProxySettings {
  readonly caCertificatesPem: string;
  readonly nameServers: string[];
}

/** The same with what is to be said about it. */
export interface CollectedNetwork {
  readonly network: MachineNetwork;
  /** What could not be taken over, and what to do about it. */
  readonly problems: readonly { readonly detail: string; readonly fix: string }[];
  /** Names of the authorities beside those that every program knows. */
  readonly authorities: readonly string[];
}

/** Puts together what was set and what this computer's environment says; what is wrong is left out and told. */
export async function collectNetwork(stored: StoredNetwork, env: NodeJS.ProcessEnv): Promise<CollectedNetwork> {
  const problems: { detail: string; fix: string }[] = [];
  const proxies = chooseProxies(stored, env, problems);
  const certificates: X509Certificate[] = [];
  for (const path of stored.caCertificateFiles) {
    try {
      certificates.push(...(await readAuthorities(path)));
    } catch (error) {
      problems.push({ detail: messageOf(error), fix: "Mend the file, or take it out of the settings" });
    }
  }
  for (const name of ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"]) certificates.push(...(await authoritiesOfVariable(name, env, problems)));
  const caCertificatesPem = extraAuthorities(certificates);
  const authorities = caCertificatesPem === "" ? [] : parseAuthorities(caCertificatesPem).map(subjectOf);
  return { network: { ...proxies, caCertificatesPem, nameServers: await currentNameServers() }, problems, authorities };
}

/** The proxies of this computer's environment; names in small letters go first, as for curl. Fails with a sentence. */
export function environmentProxies(env: NodeJS.ProcessEnv): ProxySettings {
  const value = (name: string): string => env[name.toLowerCase()] ?? env[name] ?? "";
  return {
    httpProxy: parseProxyUrl(value("HTTP_PROXY")),
    httpsProxy: parseProxyUrl(value("HTTPS_PROXY")),
    noProxy: parseNoProxy(value("NO_PROXY")),
  };
}

function chooseProxies(stored: StoredNetwork, env: NodeJS.ProcessEnv, problems: { detail: string; fix: string }[]): ProxySettings {
  if (stored.proxyMode === "none") return noProxies;
  const { httpProxy, httpsProxy, noProxy } = stored;
  if (stored.proxyMode === "own") return withLoopback({ httpProxy, httpsProxy, noProxy });
  let found: ProxySettings;
  try {
    found = environmentProxies(env);
  } catch (error) {
    problems.push({
      detail: `${messageOf(error)} (from the environment)`,
      fix: "Mend HTTP_PROXY, HTTPS_PROXY and NO_PROXY, or set the proxy in the settings",
    });
    return noProxies;
  }
  const reachable = (url: string): string => {
    if (url === "" || !isLoopbackProxy(url)) return url;
    const detail = `${redactProxyUrl(url)} is on this computer's own loopback, which the machine cannot reach; the machine goes without it`;
    if (!problems.some((p) => p.detail === detail)) problems.push({ detail, fix: `In the settings: ${loopbackProxyFix}` });
    return "";
  };
  return withLoopback({ httpProxy: reachable(found.httpProxy), httpsProxy: reachable(found.httpsProxy), noProxy: found.noProxy });
}

/** What listens in a container or the machine itself is never asked for through a proxy. */
function withLoopback(proxies: ProxySettings): ProxySettings {
  if (proxies.httpProxy === "" && proxies.httpsProxy === "") return noProxies;
  const names = [...proxies.noProxy.split(","), "localhost", "127.0.0.1", "::1"].filter((name) => name !== "");
  return { ...proxies, noProxy: [...new Set(names)].join(",") };
}

/** Of a whole bundle of a system only authorities count, and what is damaged in it is passed over. */
async function authoritiesOfVariable(
  name: string,
  env: NodeJS.ProcessEnv,
  problems: { detail: string; fix: string }[],
): Promise<X509Certificate[]> {
  const path = env[name] ?? "";
  if (path === "") return [];
  try {
    const blocks = (await readFile(path, "utf8"))
      .split(/(?<=-----END CERTIFICATE-----)/)
      .filter((block) => block.includes("BEGIN CERTIFICATE"));
    return blocks.flatMap((block) => {
      try {
        return parseAuthorities(block);
      } catch {
        return [];
      }
    });
  } catch (error) {
    problems.push({ detail: `${name}: ${messageOf(error)}`, fix: `Mend or unset ${name}` });
    return [];
  }
}

/** Calls back when the name servers of this computer may have changed; gives what ends that. */
export function watchNameServers(changed: () => void): () => void {
  const path = "/etc/resolv.conf";
  const listener = (): void => changed();
  watchFile(path, { interval: nameServersPollMs, persistent: false }, listener);
  return () => unwatchFile(path, listener);
}
