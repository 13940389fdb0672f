import { type DescMessage, type DescMethod, fromBinary, type Message, toJson } from "@bufbuild/protobuf";
import type { Interceptor, UnaryRequest } from "@connectrpc/connect";
import { createHash, createHmac } from "node:crypto";
import { BerthError } from "../../contract/berth-error.ts";
import type { CreatingCallRecord } from "../../contract/gen/berth/v1/records_pb.js";
import { messageOf } from "../../lib/log.ts";
import { callerOf } from "../caller.ts";
import type { TellFault } from "../interceptors.ts";
import type { Store } from "../store/store.ts";
import { CreatingCall, creatingCallKey } from "./creating-call.ts";
import { givesCredential, isCreating } from "./creating-methods.ts";
import { knownAnswerKey } from "./known-answers.ts";

/** What of the sealer's keys fingerprints of requests are made with. */
export const fingerprintKeyUse = "fingerprints of creating calls";

/** https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ */
const keyHeader = "Idempotency-Key";
/** Up to 255 printable characters. */
const keyPattern = /^[\x20-\x7e]{1,255}$/;

/**
 * Answers a creating call that is repeated with the same `Idempotency-Key` with the first one's answer. To stand behind
 * the interceptors that refuse calls: what is refused was not carried out.
 */
export function answerRepeatedCalls(options: {
  readonly store: Store;
  readonly fingerprintKey: Uint8Array;
  readonly tellFault: TellFault;
  readonly now: () => number;
}): Interceptor {
  const view = options.store.system("calls");
  return (next) => async (request) => {
    const key = request.header.get(keyHeader);
    if (key === null || request.stream || !isCreating(request.method)) return next(request);
    const call = new CreatingCall({
      id: idOf(request, key),
      method: request.method,
      fingerprint: fingerprintOf(request.method.input, request.message, options.fingerprintKey),
      now: options.now,
    });
    const answerWith = async (record: CreatingCallRecord): ReturnType<typeof next> => {
      request.contextValues.set(knownAnswerKey, answerOf(request.method, record));
      return next(request);
    };
    const first = await call.find(view);
    if (first !== undefined) return answerWith(first);
    request.contextValues.set(creatingCallKey, call);
    const response = await next(request).catch(async (error: unknown) => {
      // One that ran at the same time may be why this one failed, e.g. by the name that it took.
      const other = call.state === "kept" ? undefined : await call.find(view);
      if (other === undefined) throw error;
      return answerWith(other);
    });
    if (call.state === "overtaken") {
      const other = await call.find(view);
      if (other !== undefined) return answerWith(other);
    }
    if (!response.stream)
      await call.keepAnswer(view, response.message).catch((error: unknown) => {
        // What was asked for is done; only a repeated call would miss the answer.
        options.tellFault(error);
      });
    return response;
  };
}

/** A key counts for one caller and one method. Fails with `request-invalid`. */
function idOf({ method, contextValues }: UnaryRequest, key: string): string {
  if (!keyPattern.test(key)) throw new BerthError("request-invalid", `${keyHeader}: has to have 1 to 255 printable characters`);
  const { organizationId, principal, id } = callerOf({ values: contextValues });
  const parts = [organizationId, principal, id, method.parent.typeName, method.name, key];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** Of the meaning of a request: the order of a map's entries is not part of it. */
function fingerprintOf(schema: DescMessage, message: Message, key: Uint8Array): Uint8Array<ArrayBuffer> {
  try {
    const text = JSON.stringify(toJson(schema, message), (_name, value: unknown) => sorted(value));
    return new Uint8Array(createHmac("sha256", key).update(text).digest());
  } catch (error) {
    throw new BerthError("request-invalid", messageOf(error), { cause: error });
  }
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The answer of the first call. Fails with `answer-not-kept` or `answer-unknown`. */
function answerOf(method: DescMethod, { answer }: CreatingCallRecord): Message {
  if (givesCredential(method)) throw new BerthError("answer-not-kept", "look at what is there, and make another one if you need it");
  if (answer === undefined) throw new BerthError("answer-unknown", `${method.name} was carried out`);
  return fromBinary(method.output, answer);
}
