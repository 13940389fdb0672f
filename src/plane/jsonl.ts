import { fromJson, toJson } from "@bufbuild/protobuf";
import type { IncomingMessage, ServerResponse } from "node:http";
import { WatchEventsRequestSchema, WatchEventsResponseSchema } from "../contract/gen/gitpod/v1/event_pb.js";
import type { PlaneEvents } from "./events.ts";

const path = "/gitpod.v1.EventService/WatchEvents";
const maxBodyBytes = 64 * 1024;

/** Answers WatchEvents as `application/jsonl`, one JSON event a line, which is how @gitpod/sdk 0.6 asks. False when the request is another one. */
export function serveJsonlEvents(request: IncomingMessage, response: ServerResponse, events: PlaneEvents): boolean {
  const [pathname] = (request.url ?? "").split("?");
  if (
    request.method !== "POST" ||
    pathname !== path ||
    !/application\/jsonl/.test(request.headers.accept ?? request.headers["content-type"] ?? "")
  )
    return false;
  void stream(request, response, events);
  return true;
}

async function stream(request: IncomingMessage, response: ServerResponse, events: PlaneEvents): Promise<void> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > maxBodyBytes) return void response.writeHead(413).end();
    chunks.push(chunk as Buffer);
  }
  const closed = new AbortController();
  response.on("close", () => closed.abort());
  try {
    const parsed = fromJson(WatchEventsRequestSchema, JSON.parse(Buffer.concat(chunks).toString() || "{}"), { ignoreUnknownFields: true });
    response.writeHead(200, { "content-type": "application/jsonl", "cache-control": "no-store" });
    response.flushHeaders();
    for await (const event of events.watch(parsed, closed.signal))
      response.write(`${JSON.stringify(toJson(WatchEventsResponseSchema, event))}\n`);
    response.end();
  } catch {
    if (!response.headersSent) response.writeHead(400, { "content-type": "application/json" });
    response.end(
      response.headersSent ? "" : JSON.stringify({ code: "invalid_argument", message: "the request is not a WatchEventsRequest" }),
    );
  }
}
