import { readdir, readFile, readlink } from "node:fs/promises";
import { basename } from "node:path";

const listenState = "0A";
/** The name server that dockerd puts into containers listens here. */
const dockerNameServer = "127.0.0.11";

export interface ListeningSocket {
  readonly port: number;
  readonly address: string;
  readonly inode: string;
}

/** Listening TCP sockets of a /proc/<pid>/net/tcp or tcp6 table (proc_pid_net(5)). */
export function parseSocketTable(text: string): ListeningSocket[] {
  return text
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const fields = line.trim().split(/\s+/);
      if (fields[3] !== listenState) return [];
      const [addressHex = "", portHex = ""] = (fields[1] ?? "").split(":");
      return [{ port: Number.parseInt(portHex, 16), address: parseAddress(addressHex), inode: fields[9] ?? "" }];
    });
}

function parseAddress(hex: string): string {
  if (hex.length === 8)
    return (hex.match(/../g) ?? [])
      .toReversed()
      .map((byte) => Number.parseInt(byte, 16))
      .join(".");
  if (/^0{32}$/.test(hex)) return "::";
  if (hex === "00000000000000000000000001000000") return "::1";
  if (hex.startsWith("0000000000000000FFFF0000")) return parseAddress(hex.slice(24));
  return hex.toLowerCase();
}

/** What listens in the network namespace of a process, one entry a port, loopback names resolved to processes. */
export async function readListeningPorts(
  pid: number,
  cache: Map<string, string>,
): Promise<{ port: number; address: string; processName: string }[]> {
  const tables = await Promise.all(["tcp", "tcp6"].map(async (name) => readFile(`/proc/${pid}/net/${name}`, "utf8").catch(() => "")));
  const sockets = tables.flatMap(parseSocketTable).filter((socket) => socket.address !== dockerNameServer);
  if (sockets.some((socket) => !cache.has(socket.inode))) await nameSockets(pid, cache, new Set(sockets.map((s) => s.inode)));
  const byPort = new Map<number, { port: number; address: string; processName: string }>();
  for (const { port, address, inode } of sockets) {
    const processName = cache.get(inode) ?? "";
    // Remote forwards of our own ssh server are the person's doing, not the container's.
    if (processName.startsWith("sshd") || byPort.has(port)) continue;
    byPort.set(port, { port, address, processName });
  }
  return [...byPort.values()].sort((a, b) => a.port - b.port);
}

/** Finds the processes that hold sockets, among those in the same network namespace. */
async function nameSockets(pid: number, cache: Map<string, string>, inodes: ReadonlySet<string>): Promise<void> {
  for (const known of cache.keys()) if (!inodes.has(known)) cache.delete(known);
  const namespace = await readlink(`/proc/${pid}/ns/net`).catch(() => undefined);
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  for (const candidate of pids) {
    if ((await readlink(`/proc/${candidate}/ns/net`).catch(() => "")) !== namespace) continue;
    for (const fd of await readdir(`/proc/${candidate}/fd`).catch(() => [])) {
      const inode = /^socket:\[(\d+)\]$/.exec(await readlink(`/proc/${candidate}/fd/${fd}`).catch(() => ""))?.[1];
      if (inode !== undefined && inodes.has(inode)) cache.set(inode, await nameOfProcess(candidate));
    }
  }
  for (const inode of inodes) if (!cache.has(inode)) cache.set(inode, "");
}

async function nameOfProcess(pid: string): Promise<string> {
  const [comm, commandLine, program] = await Promise.all([
    readFile(`/proc/${pid}/comm`, "utf8").catch(() => ""),
    readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""),
    readlink(`/proc/${pid}/exe`).catch(() => ""),
  ]);
  return programName(comm.trim(), commandLine, program);
}

/**
 * What a person calls a process, of its files in /proc (proc_pid_comm(5), proc_pid_cmdline(5), proc_pid_exe(5)): comm,
 * which is a script's own name, unless the program put something else there, as Node does with "MainThread".
 */
export function programName(comm: string, commandLine: string, program: string): string {
  const [command = "", script = ""] = commandLine.split("\0").map((argument) => basename(argument));
  // comm holds the first 15 bytes of a name.
  if (comm !== "" && (command.startsWith(comm) || script.startsWith(comm))) return comm;
  return basename(program.replace(/ \(deleted\)$/, "")) || comm;
}
