import { create, type Message } from "@bufbuild/protobuf";
import { Code, ConnectError, type ContextValues, createHandlerContext, type HandlerContext, type Interceptor } from "@connectrpc/connect";
import { universalRequestFromNodeRequest } from "@connectrpc/connect-node";
import {
  assertByteStreamRequest,
  createMethodSerializationLookup,
  encodeEnvelope,
  pipe,
  transformDecompressEnvelope,
  transformParseEnvelope,
  transformSplitEnvelope,
} from "@connectrpc/connect/protocol";
import { endStreamFlag, endStreamToJson } from "@connectrpc/connect/protocol-connect";
import { once } from "node:events";
import type { Gate } from "../plane/gate.ts";
import type { NodeRequest, NodeResponse } from "../plane/jsonl.ts";
import type { StreamMethod } from "../plane/services/bind.ts";
import { blameClient } from "./unreadable-message.ts";

export interface ConnectStreamsOptions {
  readonly streams: readonly StreamMethod[];
  readonly interceptors: readonly Interceptor[];
  /** Run before the request is read. */
  readonly gate: Gate;
  readonly contextValues: (request: NodeRequest) => ContextValues;
  /** The largest message that is taken or given. */
  readonly maxMessageBytes: number;
}

/** A method, and how its messages are written and read. */
interface Served {
  readonly spec: StreamMethod;
  readonly serialization: ReturnType<typeof createMethodSerializationLookup>;
}

const binaryType = "application/connect+proto";
const jsonType = "application/connect+json";

/**
 * Answers calls of methods that stream, by the Connect protocol (https://connectrpc.com/docs/protocol/#streaming-rpcs), as
 * Connect itself does. Between a method and its client that has ten generators, 30 kB for as long as a stream is open, and each
 * runner keeps one open for days. Calls by other protocols, with a deadline, or packed are left to it.
 */
export class ConnectStreams {
  readonly #options: ConnectStreamsOptions;
  readonly #served: ReadonlyMap<string, Served>;

  constructor(options: ConnectStreamsOptions) {
    const { streams, maxMessageBytes } = options;
    const limits = { readMaxBytes: maxMessageBytes, writeMaxBytes: maxMessageBytes };
    this.#options = options;
    this.#served = new Map(
      streams.map((spec) => [
        `/${spec.method.parent.typeName}/${spec.method.name}`,
        { spec, serialization: createMethodSerializationLookup(spec.method, undefined, undefined, limits) },
      ]),
    );
  }

  /** False when the call is not for here. */
  serve(request: NodeRequest, response: NodeResponse): boolean {
    const { headers, method, url = "" } = request;
    const served = this.#served.get(url);
    const type = headers["content-type"];
    if (served === undefined || method !== "POST" || (type !== binaryType && type !== jsonType)) return false;
    if (headers["connect-timeout-ms"] !== undefined || headers["connect-content-encoding"] !== undefined) return false;
    // A client that goes away in the middle is no failure of ours; the call's signal tells of it.
    response.on("error", () => undefined);
    void this.#answer(request, response, { ...served, type }).catch(() => response.destroy());
    return true;
  }

  async #answer(request: NodeRequest, response: NodeResponse, { spec, serialization, type }: Served & { readonly type: string }) {
    const { gate, contextValues, interceptors, maxMessageBytes } = this.#options;
    const isBinary = type === binaryType;
    const call = universalRequestFromNodeRequest(request, response, undefined, contextValues(request));
    assertByteStreamRequest(call);
    const context = createHandlerContext({
      ...{ service: spec.method.parent, method: spec.method, protocolName: "connect", requestMethod: call.method, url: call.url },
      ...{ requestSignal: call.signal, requestHeader: call.header, responseHeader: { "content-type": type } },
      ...(call.contextValues === undefined ? {} : { contextValues: call.contextValues }),
    });
    let failure: ConnectError | undefined;
    try {
      await gate(context);
      const messages = pipe(
        call.body,
        transformSplitEnvelope(maxMessageBytes),
        transformDecompressEnvelope(null, maxMessageBytes),
        transformParseEnvelope(serialization.getI(isBinary), endStreamFlag),
      );
      for await (const message of await invoke(spec, context, messages, interceptors)) {
        sendHead(response, context);
        const bytes = encodeEnvelope(0, serialization.getO(isBinary).serialize(message));
        if (!response.write(bytes)) await once(response, "drain", { signal: context.signal });
      }
    } catch (error) {
      blameClient(error);
      failure = error instanceof ConnectError ? error : new ConnectError("internal error", Code.Internal, undefined, undefined, error);
    }
    context.abort(failure);
    sendHead(response, context);
    response.end(encodeEnvelope(endStreamFlag, Buffer.from(JSON.stringify(endStreamToJson(context.responseTrailer, failure, undefined)))));
  }
}

/** With the first message, until when a method may set headers. */
function sendHead(response: NodeResponse, { responseHeader }: HandlerContext): void {
  if (!response.headersSent) response.writeHead(200, Object.fromEntries(responseHeader));
}

/** Calls a method through the interceptors. */
async function invoke(
  spec: StreamMethod,
  context: HandlerContext,
  messages: AsyncIterable<Message>,
  interceptors: readonly Interceptor[],
): Promise<AsyncIterable<Message>> {
  const { service, responseHeader: header, responseTrailer: trailer } = context;
  const carryOut: ReturnType<Interceptor> = async ({ stream, message, header: requestHeader, signal, contextValues: values }) => {
    if (!stream) throw new ConnectError("the call of a stream has one message", Code.Internal);
    const answers = spec.impl(await single(message), { ...context, requestHeader, signal, values });
    return { stream: true, service, method: spec.method, header, trailer, message: messagesOf(spec, answers) };
  };
  const next = interceptors.reduceRight((inner, interceptor) => interceptor(inner), carryOut);
  const { url, requestMethod, signal, requestHeader, values: contextValues } = context;
  const { method } = spec;
  const response = await next({
    stream: true,
    message: messages,
    service,
    method,
    url,
    requestMethod,
    signal,
    header: requestHeader,
    contextValues,
  });
  if (!response.stream) throw new ConnectError("a stream was answered by one message", Code.Internal);
  return response.message;
}

/** What a method gives may be less than messages: their fields. */
async function* messagesOf({ method }: StreamMethod, answers: ReturnType<StreamMethod["impl"]>): AsyncGenerator<Message> {
  for await (const answer of answers) yield create(method.output, answer);
}

/** What a method that streams is asked: one message. */
async function single(messages: AsyncIterable<Message>): Promise<Message> {
  const all = messages[Symbol.asyncIterator]();
  const first = await all.next();
  if (first.done === true) throw new ConnectError("the request has no message", Code.Unimplemented);
  const second = await all.next();
  if (second.done !== true) throw new ConnectError("the request has more than one message", Code.Unimplemented);
  return first.value;
}
