import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { QmpClient, type QmpEvent } from "./qmp.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "berth-qmp-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A QEMU that does with each connection what the test says. */
async function serve(onConnection: (socket: Socket) => void): Promise<string> {
  const path = join(folder, "qmp.sock");
  const server = createServer(onConnection).unref();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return path;
}

test("a QEMU that goes away before it has greeted is an error of the connection and nothing else", async () => {
  const path = await serve((socket) => socket.destroy());
  let closed = 0;
  await expect(
    QmpClient.connect(
      path,
      () => undefined,
      () => closed++,
    ),
  ).rejects.toThrow("QEMU closed the connection");
  expect(closed).toBe(1);
});

test("a QEMU that refuses to negotiate is left, so that another attempt finds it free", async () => {
  const left = Promise.withResolvers<void>();
  const path = await serve((socket) => {
    socket.write('{"QMP": {}}\n');
    socket.on("data", () => socket.write('{"error": {"class": "GenericError", "desc": "not now"}, "id": 1}\n'));
    socket.once("close", () => left.resolve());
  });
  await expect(
    QmpClient.connect(
      path,
      () => undefined,
      () => undefined,
    ),
  ).rejects.toThrow("not now");
  await left.promise;
});

test("answers find their commands, events are told, and what is no JSON is passed over", async () => {
  const path = await serve((socket) => {
    socket.write('{"QMP": {}}\n');
    socket.on("data", (chunk: Buffer) => {
      const { execute, id } = JSON.parse(chunk.toString()) as { execute: string; id: number };
      if (execute === "query-status") socket.write(`{"event": "STOP"}\nnonsense\n{"return": {"status": "paused"}, "id": ${id}}\n`);
      else if (execute === "quit") socket.write(`{"error": {"class": "GenericError", "desc": "not now"}, "id": ${id}}\n`);
      else socket.write(`{"return": {}, "id": ${id}}\n`);
    });
  });
  const events: QmpEvent[] = [];
  const client = await QmpClient.connect(
    path,
    (event) => events.push(event),
    () => undefined,
  );
  expect(await client.execute("query-status")).toEqual({ status: "paused" });
  await expect(client.execute("quit")).rejects.toThrow("not now");
  expect(events).toEqual([{ name: "STOP", data: {} }]);
  client.close();
});
