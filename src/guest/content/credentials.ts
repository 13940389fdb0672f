import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { workUserId } from "../settings.ts";

export interface Credential {
  readonly host: string;
  /** Answered only for this path and what lies below it, unless empty. */
  readonly path: string;
  readonly username: string;
  readonly password: string;
}

const maxRequestBytes = 8192;

/**
 * Serves credentials to git on a socket for as long as one job runs. A request for another host or path
 * (a submodule elsewhere, a redirect) gets no answer. Gives git's options that make it ask there.
 */
export async function serveCredentials(
  credentials: readonly Credential[],
  folder: string,
): Promise<{ readonly gitOptions: readonly string[]; close(): Promise<void> }> {
  if (credentials.length === 0) return { gitOptions: [], close: async () => undefined };
  mkdirSync(dirname(folder), { recursive: true, mode: 0o711 });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const socketPath = join(folder, "credentials.sock");
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let request = "";
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      request += chunk.toString();
      if (request.length > maxRequestBytes) socket.destroy();
    });
    socket.on("end", () => {
      const found = matchCredential(credentials, request);
      socket.end(found === undefined ? "" : `username=${found.username}\npassword=${found.password}\n`);
    });
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(socketPath, resolve));
  if (process.getuid?.() === 0) {
    chownSync(folder, workUserId, workUserId);
    chownSync(socketPath, workUserId, workUserId);
  }
  chmodSync(socketPath, 0o600);
  return {
    gitOptions: ["-c", `credential.helper=!f() { test "$1" = get && socat -t 5 - UNIX-CONNECT:${socketPath}; }; f`],
    close: async () => {
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The credential for a request in git's credential protocol (gitcredentials(7)). */
export function matchCredential(credentials: readonly Credential[], request: string): Credential | undefined {
  const fields = new Map(request.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)] as const));
  // A token must not travel in clear.
  if (fields.get("protocol") !== "https" && !isLoopback(fields.get("host") ?? "")) return undefined;
  const path = (fields.get("path") ?? "").replace(/\.git(\/.*)?$/, "");
  return credentials.find((credential) => {
    const wanted = credential.path.replace(/^\/+|\/+$/g, "").replace(/\.git$/, "");
    return (
      credential.host.toLowerCase() === (fields.get("host") ?? "").toLowerCase() &&
      (wanted === "" || path === wanted || path.startsWith(`${wanted}/`))
    );
  });
}

function isLoopback(host: string): boolean {
  return /^(127\.\d+\.\d+\.\d+|localhost)(:\d+)?$/.test(host);
}
