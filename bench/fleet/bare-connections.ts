import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { join } from "node:path";
import { z } from "zod";

const portMessage = z.tuple([z.object({ port: z.number() })]).rest(z.unknown());
const memoryMessage = z.tuple([z.object({ residentBytes: z.number() })]).rest(z.unknown());

/** What each of so many connections takes of a server that does nothing with them: the baseline of a runner's. */
export async function bareConnectionBytes(
  tls: { readonly certFile: string; readonly keyFile: string; readonly ca: Buffer },
  counts: { readonly warmUp: number; readonly measured: number },
): Promise<number> {
  const server = fork(join(import.meta.dirname, "bare-server.ts"), [tls.certFile, tls.keyFile], {
    execArgv: ["--expose-gc", "--disable-warning=ExperimentalWarning"],
  });
  const sessions: ClientHttp2Session[] = [];
  try {
    const [{ port }] = portMessage.parse(await once(server, "message"));
    const open = async (count: number): Promise<number> => {
      for (let n = 0; n < count; n++) {
        const session = connect(`https://127.0.0.1:${port}`, { ca: tls.ca });
        sessions.push(session);
        await once(session.request({ ":method": "POST" }).end("open"), "data");
      }
      return residentBytes(server);
    };
    const warmBytes = await open(counts.warmUp);
    return ((await open(counts.measured)) - warmBytes) / counts.measured;
  } finally {
    for (const session of sessions) session.destroy();
    server.kill("SIGKILL");
  }
}

async function residentBytes(server: ChildProcess): Promise<number> {
  server.send("measure");
  const [{ residentBytes: bytes }] = memoryMessage.parse(await once(server, "message"));
  return bytes;
}
