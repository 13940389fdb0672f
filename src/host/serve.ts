import type { connectNodeAdapter } from "@connectrpc/connect-node";
import { rmSync } from "node:fs";
import { createServer } from "node:http2";
import { type Log, messageOf } from "../lib/log.ts";
import { answer, hasAddress } from "../plane/http-messages.ts";

/** How long clients may take to read their last answer. */
const drainGraceMs = 2000;

/** Serves the API on a socket; whoever may enter its 0700 folder is the same person. Gives what ends it. */
export async function serveOnSocket({
  socketPath,
  handler,
  log,
}: {
  readonly socketPath: string;
  readonly handler: ReturnType<typeof connectNodeAdapter>;
  readonly log: Log;
}): Promise<() => Promise<void>> {
  const server = createServer((request, response) => {
    if (hasAddress(request)) handler(request, response);
    else answer(response, 400, {});
  });
  server.on("sessionError", (error) => log.info("a client's connection ended", { reason: messageOf(error) }));
  // Whoever left it there is gone: this process holds the lock.
  rmSync(socketPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    // The socket is made within the call, so that it never is there with wider rights.
    const umask = process.umask(0o177);
    server.once("error", reject).listen(socketPath, resolve);
    process.umask(umask);
  });
  return async () => {
    rmSync(socketPath, { force: true });
    // Answers that are on their way still arrive; a client that stays is left after the grace.
    const left = AbortSignal.timeout(drainGraceMs);
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      left.addEventListener("abort", () => resolve());
    });
  };
}
