import { createServer, type Server } from "node:net";
import { afterEach, expect, test } from "vitest";
import { reachByTcp, reachByTls } from "./reach.ts";

const { signal } = new AbortController();
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server that says the same to everybody. */
async function serve(answer: string, onText: (text: string) => void = () => undefined): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (data: Buffer) => {
      onText(data.toString());
      socket.end(answer);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

test("a port where somebody listens takes connections, and one where nobody does refuses them", async () => {
  const port = await serve("");
  expect(await reachByTcp({ host: "127.0.0.1", port }, signal)).toMatchObject({ ok: true });
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  expect(await reachByTcp({ host: "127.0.0.1", port }, signal)).toMatchObject({ ok: false, detail: expect.stringContaining("refused") });
});

test("a proxy that wants another password is told by its answer, and is asked for the target with the one there is", async () => {
  let asked = "";
  const port = await serve("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", (text) => (asked = text));
  const proxy = new URL(`http://ada:p%40ss@127.0.0.1:${port}`);
  const reached = await reachByTls({ host: "git.example", port: 443 }, { proxy, ca: [] }, signal);
  expect(reached).toEqual({ ok: false, detail: "the proxy answers 407 Proxy Authentication Required" });
  expect(asked).toMatch(/^CONNECT git\.example:443 HTTP\/1\.1\r\n/);
  expect(asked).toContain(`Basic ${Buffer.from("ada:p@ss").toString("base64")}`);
});

test("what is no proxy, and what is no server with a certificate, is told as that", async () => {
  const port = await serve("SSH-2.0-OpenSSH\r\n\r\n");
  const target = { host: "127.0.0.1", port };
  const proxy = new URL(`http://127.0.0.1:${port}`);
  expect((await reachByTls(target, { proxy, ca: [] }, signal)).detail).toContain("not HTTP");
  expect(await reachByTls(target, { proxy: undefined, ca: [] }, signal)).toMatchObject({ ok: false });
});
