import { readFile } from "node:fs/promises";
import { forwardCall, unavailable } from "./api-pipe.ts";
import { resolveAppUrl, securityHeaders } from "./app-files.ts";
import type { HostConnection } from "./host-connection.ts";

/** A call made while the host starts waits for it so long. */
const hostWaitMs = 20_000;

export interface AppProtocolOptions {
  readonly rendererFolder: string;
  readonly connection: HostConnection;
  /** Resolves when the host runs, or when it does not look as if it would. */
  readonly whenHostSettled: (signal: AbortSignal) => Promise<void>;
}

/** Answers every request of the app's origin: its files from the archive, its calls from the host. */
export function appProtocol({ rendererFolder, connection, whenHostSettled }: AppProtocolOptions): (request: Request) => Promise<Response> {
  return async (request) => {
    const target = resolveAppUrl(request.url, request.method, rendererFolder);
    switch (target.kind) {
      case "api": {
        const given = AbortSignal.any([request.signal, AbortSignal.timeout(hostWaitMs)]);
        await whenHostSettled(given);
        if (!(await connection.open())) return unavailable("Berth's host does not run");
        return forwardCall(connection, request);
      }
      case "file": {
        const content = await readFile(target.path).catch(() => undefined);
        if (content === undefined) return plain(404, "there is no such file");
        return new Response(request.method === "HEAD" ? null : content, {
          headers: { ...securityHeaders, "content-type": target.contentType, "cache-control": "no-cache" },
        });
      }
      case "refused":
        return plain(target.status, "refused");
    }
  };
}

function plain(status: number, text: string): Response {
  return new Response(text, { status, headers: { ...securityHeaders, "content-type": "text/plain; charset=utf-8" } });
}
