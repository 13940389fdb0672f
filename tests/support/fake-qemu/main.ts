import type { ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { randomUUID } from "node:crypto";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { createServer as createHttp2Server } from "node:http2";
import { createServer, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { AgentService } from "../../../src/contract/gen/berth/v1/agent_pb.js";
import { TerminalService } from "../../../src/contract/gen/berth/v1/terminal_pb.js";
import { acceptSession } from "../../../src/lib/agent-transport.ts";
import { serveLink } from "../../../src/lib/link.ts";
import { simulatedAgent } from "../../../src/vm/simulated/simulated-agent.ts";
import { SimulatedDisk } from "../../../src/vm/simulated/simulated-disk.ts";

/**
 * Stands for QEMU where only its process matters: the arguments, pid file, monitor and agent's socket of the real one, in a
 * process of its own, with the simulated agent in place of a guest. Of the monitor it knows what starts, looks at and ends a
 * machine. It says that it is of a version that cannot suspend.
 */
const version = "8.2.0";
const diskLimitBytes = 1024 ** 3;

const args = process.argv.slice(2);
const monitorBanner = { QMP: { version: { qemu: { major: 8, minor: 2, micro: 0 } }, capabilities: [] } };

/** A part of the value of an option that is given several times, e.g. the path of `-chardev socket,id=qmp,path=…`. */
function part(option: string, having: string, name: string): string {
  const values = args.flatMap((arg, i) => (args[i - 1] === option ? [arg] : []));
  const found = new RegExp(`(?:^|,)${name}=([^,]+)`).exec(values.find((value) => value.includes(having)) ?? "")?.[1];
  if (found === undefined) throw new Error(`there is no ${option} with ${having} and ${name}`);
  return found;
}

function end(): never {
  process.exit(0);
}

/** The monitor: one line of JSON each. */
function serveMonitor(socket: Socket): void {
  socket.on("error", () => undefined);
  socket.write(`${JSON.stringify(monitorBanner)}\n`);
  let rest = "";
  socket.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const { execute, id } = JSON.parse(line) as { readonly execute: string; readonly id: number };
      const answer = execute === "query-status" ? { status: "running", running: true } : {};
      socket.write(`${JSON.stringify({ return: answer, id })}\n`);
      if (execute === "system_powerdown" || execute === "quit") setImmediate(end);
    }
  });
}

async function main(): Promise<void> {
  if (args.includes("--version")) return void process.stdout.write(`QEMU emulator version ${version}\n`);
  const consolePath = part("-chardev", "id=console", "path");
  const folder = join(dirname(consolePath), "guest");
  await SimulatedDisk.create(folder, diskLimitBytes);
  const { agent, terminals } = simulatedAgent({
    disk: SimulatedDisk.open(folder),
    bootId: randomUUID(),
    imageSha256: /berth\.image=(\w+)/.exec(args.join(" "))?.[1] ?? "fake",
    folderTags: [],
    ended: new AbortController().signal,
    crash: () => process.kill(process.pid, "SIGKILL"),
    powerOff: end,
  });
  const routes = (router: ConnectRouter): void => void router.service(AgentService, agent).service(TerminalService, terminals);
  const guest = createHttp2Server(connectNodeAdapter({ routes }));
  guest.on("session", (session) => session.on("error", () => undefined));
  const linkKey = readFileSync(part("-fw_cfg", "link-key", "file"));
  appendFileSync(consolePath, "fake: the agent is up\n");
  const agentServer = createServer((socket) => {
    socket.on("error", () => undefined);
    serveLink(socket, linkKey, (session) => acceptSession(guest, session));
  });
  await new Promise<void>((resolve) => agentServer.listen(part("-chardev", "id=agent", "path"), resolve));
  await new Promise<void>((resolve) => createServer(serveMonitor).listen(part("-chardev", "id=qmp", "path"), resolve));
  const at = args.indexOf("-pidfile");
  writeFileSync(args[at + 1] ?? "", `${process.pid}\n`);
  process.on("SIGTERM", end);
}

await main();
