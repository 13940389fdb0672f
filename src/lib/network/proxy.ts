/** How to get to the world: addresses of proxies with their user and password, empty where there is none. */
export interface ProxySettings {
  readonly httpProxy: string;
  readonly httpsProxy: string;
  /** Comma-separated names, addresses, .domains or *. */
  readonly noProxy: string;
}

export const noProxies: ProxySettings = { httpProxy: "", httpsProxy: "", noProxy: "" };

/** What stands for user and password in an address that is shown. */
const hiddenCredentials = "***";

const maxLength = 2000;

/** An address of a proxy in its usual form; a name alone is one of http, as for curl. Fails with a sentence without the credentials. */
export function parseProxyUrl(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") return "";
  const url = asUrl(trimmed);
  const shown = `the proxy address ${redactProxyUrl(trimmed)}`;
  if (url === undefined || trimmed.length > maxLength || /[\p{Cc}\s]/u.test(trimmed)) throw new Error(`${shown} is not a URL`);
  if (url.protocol !== "http:" && url.protocol !== "https:") throw new Error(`${shown} is neither http:// nor https://`);
  if (url.hostname === "" || (url.pathname !== "/" && url.pathname !== "") || url.search !== "" || url.hash !== "")
    throw new Error(`${shown} has more or less than a host and a port`);
  return url.href.replace(/\/$/, "");
}

/** NO_PROXY as one list with commas. Fails with a sentence. */
export function parseNoProxy(text: string): string {
  const names = text.split(/[,\s]+/).filter((name) => name !== "");
  const wrong = names.find((name) => !/^[\w.*:[\]/-]+$/.test(name));
  if (wrong !== undefined || text.length > maxLength) throw new Error(`the list of what needs no proxy has ${wrong ?? "too much"} in it`);
  return names.join(",");
}

/** An address without the user and the password, for people and logs. Takes any text. */
export function redactProxyUrl(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, (_all, scheme: string | undefined) => `${scheme ?? ""}${hiddenCredentials}@`);
}

/** What a person wants, where *** in it stands for the credentials that are kept. Fails when the rest is another. */
export function keepCredentials(wanted: string, kept: string): string {
  if (!wanted.includes(`${hiddenCredentials}@`)) return wanted;
  if (wanted.trim() === redactProxyUrl(kept)) return kept;
  throw new Error(`the user and password of the proxy are to be given anew with another address than ${redactProxyUrl(kept)}`);
}

/** Whether the proxy listens on the loopback of the computer that names it, where nobody else gets to. */
export function isLoopbackProxy(proxyUrl: string): boolean {
  const host = asUrl(proxyUrl)?.hostname ?? "";
  return /^(127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1?\]|localhost|.*\.localhost)$/i.test(host);
}

/** Which proxy is asked for a host over TLS; undefined is none. */
export function proxyFor(host: string, { httpsProxy, noProxy }: ProxySettings): URL | undefined {
  return httpsProxy === "" || bypasses(host, noProxy) ? undefined : new URL(httpsProxy);
}

/** The variables by which programs know, in both ways of writing; none for what is not set. */
export function proxyVariables({ httpProxy, httpsProxy, noProxy }: ProxySettings): Record<string, string> {
  const values = { HTTP_PROXY: httpProxy, HTTPS_PROXY: httpsProxy, NO_PROXY: httpProxy + httpsProxy === "" ? "" : noProxy };
  return Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => value !== "")
      .flatMap(([name, value]) => [
        [name, value],
        [name.toLowerCase(), value],
      ]),
  );
}

/** NO_PROXY as most programs read it: a name covers what ends with it. */
function bypasses(host: string, noProxy: string): boolean {
  const name = host.toLowerCase();
  return noProxy
    .toLowerCase()
    .split(",")
    .map((entry) => entry.replace(/^\*?\./, "").replace(/:\d+$/, ""))
    .some((entry) => entry !== "" && (entry === "*" || name === entry || name.endsWith(`.${entry}`)));
}

function asUrl(text: string): URL | undefined {
  try {
    return new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  } catch {
    return undefined;
  }
}
