import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";

/** One app per folder: the first one listens, a later one hands over its arguments. Gives whether this is the first. */
export function lockInstance(folder: string, argv: readonly string[], onSecond: (argv: string[]) => void): boolean {
  mkdirSync(folder, { recursive: true });
  const pidFile = join(folder, "standin.pid");
  const socketPath = join(folder, "standin.sock");
  if (isAlive(pidFile)) {
    connect(socketPath).end(JSON.stringify(argv));
    return false;
  }
  writeFileSync(pidFile, String(process.pid));
  rmSync(socketPath, { force: true });
  const server = createServer((socket) => {
    let text = "";
    socket.on("data", (chunk) => (text += chunk.toString("utf8")));
    socket.on("end", () => onSecond(JSON.parse(text)));
  });
  server.unref();
  server.listen(socketPath);
  process.once("exit", () => rmSync(pidFile, { force: true }));
  return true;
}

function isAlive(pidFile: string): boolean {
  try {
    process.kill(Number(readFileSync(pidFile, "utf8")), 0);
    return true;
  } catch {
    return false;
  }
}
