const loopbackHosts: ReadonlySet<string> = new Set(["127.0.0.1", "[::1]", "localhost"]);

/** Whether credentials may go to this address: over TLS, or within this computer; none are part of it. */
export function isSafePlaneAddress(url: URL): boolean {
  const isSafe = url.protocol === "https:" || (url.protocol === "http:" && loopbackHosts.has(url.hostname));
  return isSafe && url.username === "" && url.password === "";
}
