import { fromJson, toJson } from "@bufbuild/protobuf";
import type { Code } from "@connectrpc/connect";
import { codeToHttpStatus, errorToJson } from "@connectrpc/connect/protocol-connect";
import { createValidator } from "@bufbuild/protovalidate";
import { once } from "node:events";
import type { connectNodeAdapter } from "@connectrpc/connect-node";
import { BerthError } from "../contract/berth-error.ts";
import {
  type WatchEventsRequest,
  WatchEventsRequestSchema,
  type WatchEventsResponse,
  WatchEventsResponseSchema,
} from "../contract/gen/gitpod/v1/event_pb.js";
import type { AuthorizedCall } from "./authorization/authorizer.ts";
import type { Entrant } from "./gate.ts";
import { type TellFault, translated, validateMessage } from "./interceptors.ts";
import type { RequestScope } from "./request-scope.ts";
import type { CheckAgain } from "./services/checked-watch.ts";
import type { WatchEvents } from "./services/event-service.ts";

/** Of HTTP/1.1 or HTTP/2. */
export type NodeRequest = Parameters<ReturnType<typeof connectNodeAdapter>>[0];
export type NodeResponse = Parameters<ReturnType<typeof connectNodeAdapter>>[1];

/** Told of calls that are answered as lines, which no interceptor sees. */
export interface JsonlObserver {
  /** Whoever calls was let in; gives what to call when the lines have ended. */
  opened(): () => void;
  /** `code` of the failure, if it was one. */
  answered(call: { readonly headers: Headers; readonly code: Code | undefined; readonly durationMs: number }): void;
}

const path = "/gitpod.v1.EventService/WatchEvents";
const maxBodyBytes = 64 * 1024;
const validator = createValidator();

/** Answers WatchEvents as `application/jsonl`, one JSON event a line, which is how @gitpod/sdk 0.6 asks. False when the request is another one. */
export function serveJsonlEvents(
  request: NodeRequest,
  response: NodeResponse,
  how: {
    readonly watch: WatchEvents;
    /** Before the request is read. */
    readonly enter: (headers: Headers) => Promise<Entrant>;
    /** Once it is known what the request names. */
    readonly scopeOf: (entrant: Entrant, call: Pick<AuthorizedCall, "message" | "url" | "headers">) => Promise<RequestScope>;
    readonly tellFault: TellFault;
    /** How the call is looked at again while it goes on. */
    readonly again: (call: Pick<AuthorizedCall, "message" | "url" | "headers">) => CheckAgain | undefined;
    readonly observer?: JsonlObserver | undefined;
  },
): boolean {
  const [pathname] = (request.url ?? "").split("?");
  if (
    request.method !== "POST" ||
    pathname !== path ||
    !/application\/jsonl/.test(request.headers.accept ?? request.headers["content-type"] ?? "")
  )
    return false;
  // A client that goes away in the middle is no failure of ours.
  response.on("error", () => undefined);
  void answer(request, response, how).catch(() => response.destroy());
  return true;
}

async function answer(
  request: NodeRequest,
  response: NodeResponse,
  { watch, enter, scopeOf, tellFault, again, observer }: Parameters<typeof serveJsonlEvents>[2],
): Promise<void> {
  const closed = new AbortController();
  response.on("close", () => closed.abort());
  const [headers, startMs] = [headersOf(request), performance.now()];
  const answered = (code?: Code): void => observer?.answered({ headers, code, durationMs: performance.now() - startMs });
  let events: AsyncIterable<WatchEventsResponse>;
  try {
    const entrant = await enter(headers);
    const message = await readRequest(request);
    validateMessage(validator, WatchEventsRequestSchema, message);
    const call = { message, url: request.url ?? "", headers };
    events = await watch(await scopeOf(entrant, call), message, closed.signal, again(call));
  } catch (error) {
    const failure = translated(error, tellFault);
    response.writeHead(codeToHttpStatus(failure.code), { "content-type": "application/json" });
    response.end(JSON.stringify(errorToJson(failure, undefined)));
    return answered(failure.code);
  }
  const ended = observer?.opened();
  try {
    await writeLines(response, events, closed.signal);
    answered();
  } catch (error) {
    answered(translated(error, tellFault).code);
    throw error;
  } finally {
    ended?.();
  }
}

async function writeLines(response: NodeResponse, events: AsyncIterable<WatchEventsResponse>, closed: AbortSignal): Promise<void> {
  response.writeHead(200, { "content-type": "application/jsonl", "cache-control": "no-store" });
  // HTTP/2 sends them at once.
  if ("flushHeaders" in response) response.flushHeaders();
  for await (const event of events) {
    const line = `${JSON.stringify(toJson(WatchEventsResponseSchema, event))}\n`;
    // Waiting makes a slow client's events queue up, and that queue has a limit.
    if (!response.write(line) && !closed.aborted) await once(response, "drain", { signal: closed }).catch(() => undefined);
  }
  response.end();
}

async function readRequest(request: NodeRequest): Promise<WatchEventsRequest> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > maxBodyBytes) throw new BerthError("request-invalid", `the request is larger than ${maxBodyBytes} bytes`);
    chunks.push(bytes);
  }
  try {
    return fromJson(WatchEventsRequestSchema, JSON.parse(Buffer.concat(chunks).toString() || "{}"), { ignoreUnknownFields: true });
  } catch (error) {
    throw new BerthError("request-invalid", "the request is no WatchEventsRequest in JSON", { cause: error });
  }
}

function headersOf({ rawHeaders }: NodeRequest): Headers {
  const headers = new Headers();
  for (let n = 0; n + 1 < rawHeaders.length; n += 2) {
    const [name = "", value = ""] = rawHeaders.slice(n, n + 2);
    // HTTP/2 has some that are no headers.
    if (!name.startsWith(":")) headers.append(name, value);
  }
  return headers;
}
