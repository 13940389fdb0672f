import { connectNodeAdapter } from "@connectrpc/connect-node";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:http2";
import { connect as connectSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EditorService } from "../contract/gen/gitpod/v1/editor_pb.js";
import { silentLog } from "../lib/log.ts";
import { serveOnSocket } from "./serve.ts";

const path = "/gitpod.v1.EditorService/ListEditors";
let folder: string;
let end: () => Promise<void>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "berth-serve-"));
  const handler = connectNodeAdapter({ routes: (router) => void router.service(EditorService, { listEditors: () => ({}) }) });
  end = await serveOnSocket({ socketPath: join(folder, "host.sock"), handler, log: silentLog });
});
afterEach(async () => {
  await end();
  rmSync(folder, { recursive: true });
});

async function statusOf(authority: string): Promise<unknown> {
  const session = connect("http://localhost", { createConnection: () => connectSocket(join(folder, "host.sock")) });
  const stream = session.request({ ":method": "POST", ":path": path, ":authority": authority, "content-type": "application/json" });
  const status = new Promise<unknown>((resolve, reject) => {
    stream.on("response", (headers) => resolve(headers[":status"]));
    stream.on("error", reject);
  });
  stream.resume().end("{}");
  return status.finally(() => session.destroy());
}

test("a program that names no host is refused, and others are served as before", async () => {
  expect(await statusOf("[")).toBe(400);
  expect(await statusOf("localhost")).toBe(200);
});
