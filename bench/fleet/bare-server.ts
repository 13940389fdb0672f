import { readFileSync } from "node:fs";
import { createSecureServer, type Http2ServerResponse } from "node:http2";
import { readProcessUsage } from "../process-usage.ts";

/**
 * What a connection of a runner takes at the least in Node: TLS, HTTP/2, one answer that stays open. Run by
 * `bare-connections.ts` with certificate and key; tells its port, then its resident memory whenever it is asked.
 */
const [certFile = "", keyFile = ""] = process.argv.slice(2);
const open: Http2ServerResponse[] = [];
const server = createSecureServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (_request, response) => {
  response.writeHead(200);
  response.write("open");
  open.push(response);
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.send?.({ port: address === null || typeof address === "string" ? 0 : address.port });
});
process.on("message", () => {
  globalThis.gc?.();
  globalThis.gc?.();
  process.send?.({ residentBytes: readProcessUsage(process.pid).residentBytes });
});
