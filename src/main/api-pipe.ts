import { once } from "node:events";
import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from "node:http2";
import { messageOf } from "../lib/log.ts";
import { appOrigin } from "./app-files.ts";
import type { HostConnection } from "./host-connection.ts";

/** How much of an answer waits in memory for a window that reads slowly. */
const bufferBytes = 256 * 1024;

/** Of a request only what the API knows goes on; cookies, origins and hop-by-hop headers stay here. */
const forwardedHeaders = /^(?:content-type|content-encoding|accept|accept-encoding|user-agent|connect-.*|x-user-agent|grpc-timeout)$/;
const droppedAnswerHeaders = /^(?::|connection$|keep-alive$|transfer-encoding$|set-cookie$)/;

/** Sends a call of the window to the host and gives its answer, both as streams; what the window gives up ends at the host too. */
export async function forwardCall(connection: HostConnection, request: Request): Promise<Response> {
  const origin = request.headers.get("origin");
  if (origin !== null && origin !== appOrigin) return failure(403, "permission_denied", "only the app's own window may call");
  const url = new URL(request.url);
  const stream = connection.request({
    ":method": request.method,
    ":path": url.pathname + url.search,
    ...Object.fromEntries([...request.headers].filter(([name]) => forwardedHeaders.test(name))),
  });
  if (stream === undefined) return unavailable("Berth's host does not run");
  const abort = (): void => stream.close(constants.NGHTTP2_CANCEL);
  request.signal.addEventListener("abort", abort, { once: true });
  stream.once("close", () => request.signal.removeEventListener("abort", abort));
  const answer = responseOf(stream);
  void send(request, stream);
  try {
    const headers = await answer;
    return new Response(bodyOf(stream), { status: Number(headers[":status"] ?? 502), headers: answerHeaders(headers) });
  } catch (error) {
    return unavailable(messageOf(error));
  }
}

/** A call that was given up closes without an error and without an answer. */
async function responseOf(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders> {
  return new Promise((resolve, reject) => {
    stream.once("response", resolve);
    stream.once("error", reject);
    stream.once("close", () => reject(lost()));
  });
}

/** The Connect protocol's own words for "try again later". */
export function unavailable(message: string): Response {
  return failure(503, "unavailable", message);
}

function failure(status: number, code: string, message: string): Response {
  return Response.json({ code, message }, { status, headers: { "cache-control": "no-store" } });
}

async function send(request: Request, stream: ClientHttp2Stream): Promise<void> {
  try {
    if (request.body !== null) {
      for await (const chunk of request.body) {
        if (stream.destroyed) return;
        if (!stream.write(chunk)) await Promise.race([once(stream, "drain"), once(stream, "close")]);
      }
    }
    stream.end();
  } catch {
    stream.close(constants.NGHTTP2_CANCEL);
  }
}

function bodyOf(stream: ClientHttp2Stream): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        let ended = false;
        stream.on("data", (chunk: Buffer) => {
          controller.enqueue(new Uint8Array(chunk));
          if ((controller.desiredSize ?? 0) <= 0) stream.pause();
        });
        const end = (finish: () => void): void => {
          if (!ended) finish();
          ended = true;
        };
        stream.once("aborted", () => end(() => controller.error(lost())));
        stream.once("end", () =>
          end(() => (stream.rstCode === constants.NGHTTP2_NO_ERROR ? controller.close() : controller.error(lost()))),
        );
        stream.once("error", (error) => end(() => controller.error(error)));
        stream.once("close", () => end(() => controller.error(lost())));
      },
      pull() {
        stream.resume();
      },
      cancel() {
        stream.close(constants.NGHTTP2_CANCEL);
      },
    },
    { highWaterMark: bufferBytes, size: (chunk) => chunk?.byteLength ?? 0 },
  );
}

function lost(): Error {
  return new Error("the host ended the call");
}

function answerHeaders(headers: IncomingHttpHeaders): Headers {
  const answer = new Headers({ "cache-control": "no-store", "x-content-type-options": "nosniff" });
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !droppedAnswerHeaders.test(name)) answer.set(name, Array.isArray(value) ? value.join(", ") : value);
  }
  return answer;
}
