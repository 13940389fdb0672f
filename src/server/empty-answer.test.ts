import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { z } from "zod";
import { EnvironmentService } from "../contract/gen/gitpod/v1/environment_pb.js";
import { silentLog } from "../lib/log.ts";
import { HttpServer, type HttpServerOptions } from "./http-server.ts";

const responseEvent = z.tuple([z.looseObject({ ":status": z.number() }), z.number()]).rest(z.unknown());

const api: HttpServerOptions["api"] = {
  routes: (router) =>
    void router.service(EnvironmentService, {
      stopEnvironment: () => ({}),
      getEnvironment: ({ environmentId }) => ({ environment: { id: environmentId } }),
    }),
  interceptors: [],
  gate: async () => undefined,
  streams: [],
  serveJsonl: () => false,
};

interface Answer {
  readonly status: number;
  /** No frame comes after its headers. */
  readonly endsWithHeaders: boolean;
  readonly body: string;
}

async function ask(session: ClientHttp2Session, method: string, type: string, request: string): Promise<Answer> {
  const stream = session.request({ ":method": "POST", ":path": `/${EnvironmentService.typeName}/${method}`, "content-type": type });
  stream.end(request);
  const [{ ":status": status }, flags] = responseEvent.parse(await once(stream, "response"));
  return { status, endsWithHeaders: (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0, body: await text(stream) };
}

test.each([true, false])(
  "an answer without a body ends with its headers, as proxies expect, and others come whole (TLS: %s)",
  async (isTls) => {
    const folder = mkdtempSync(join(tmpdir(), "berth-answers-"));
    const tls = { certFile: join(folder, "cert.pem"), keyFile: join(folder, "key.pem") };
    const files = ["-keyout", tls.keyFile, "-out", tls.certFile];
    execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=one.example", ...files], {
      stdio: "ignore",
    });
    const listen = { host: "127.0.0.1", port: 0 };
    const server = await HttpServer.start({ listen, ...(isTls ? { tls } : {}), pages: {}, api, log: silentLog });
    const session = connect(`${isTls ? "https" : "http"}://127.0.0.1:${server.port}`, { rejectUnauthorized: false });
    const empty = await ask(session, "StopEnvironment", "application/proto", "");
    expect(empty).toEqual({ status: 200, endsWithHeaders: true, body: "" });
    const full = await ask(session, "GetEnvironment", "application/json", JSON.stringify({ environmentId: "one" }));
    expect(full).toMatchObject({ status: 200, endsWithHeaders: false });
    expect(JSON.parse(full.body)).toEqual({ environment: { id: "one" } });
    session.destroy();
    await server.drain(AbortSignal.abort());
    rmSync(folder, { recursive: true });
  },
);
