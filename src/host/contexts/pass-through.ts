import { type DescMethodUnary, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { type CallOptions, Code, ConnectError, type Transport } from "@connectrpc/connect";
import { planeCallFailure } from "../../bridge/plane-transport.ts";
import { BerthError } from "../../contract/berth-error.ts";

/** What an administrator's page sends is a form's worth. */
const maxRequestBytes = 256 * 1024;
/** A page of the window asks for a handful of things at once. */
const maxCallsAtOnce = 32;
/** Identity providers and name servers, which the plane asks in turn, take a while. */
const callTimeoutMs = 30_000;

/** Codes with which a call did not get as far as the plane's answer, unless the plane says more. */
const lost: ReadonlySet<Code> = new Set([Code.Unavailable, Code.DeadlineExceeded, Code.Unknown]);

export interface PassThroughOptions {
  readonly signal: AbortSignal;
  /** Gives a call the token of who is signed in, and a new one when the plane does not take the first. */
  readonly withToken: <T>(make: (options: CallOptions) => Promise<T>, signal: AbortSignal) => Promise<T>;
}

/** Carries calls of the window to a plane: bounded in size, time and number, and with nothing of the caller's but the message. */
export class PassThrough {
  readonly #transport: Transport;
  #underWay = 0;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Gives the method's answer. Fails with what the plane says, `plane-unreachable`, `request-invalid` or `rate-limited`. */
  async call(method: DescMethodUnary, message: Uint8Array, { signal, withToken }: PassThroughOptions): Promise<Uint8Array> {
    const input = parsed(method, message);
    if (this.#underWay >= maxCallsAtOnce) throw new BerthError("rate-limited", `${maxCallsAtOnce} calls to the plane are under way`);
    this.#underWay++;
    const until = AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]);
    try {
      const answer = await withToken(
        async (options) => this.#transport.unary(method, options.signal, callTimeoutMs, options.headers, input),
        until,
      );
      return toBinary(method.output, answer.message);
    } catch (error) {
      if (signal.aborted) throw new BerthError("canceled", "the call was given up, or the sign-in ended", { cause: error });
      throw passedOn(error);
    } finally {
      this.#underWay--;
    }
  }
}

function parsed(method: DescMethodUnary, message: Uint8Array): Message {
  if (message.length > maxRequestBytes) throw new BerthError("request-invalid", `the message has more than ${maxRequestBytes} bytes`);
  try {
    return fromBinary(method.input, message);
  } catch (error) {
    throw new BerthError("request-invalid", `the message is no ${method.input.typeName}`, { cause: error });
  }
}

/** The plane's failure as it said it; headers of its answer are between it and this process. */
function passedOn(error: unknown): Error {
  const inner = error instanceof ConnectError && error.cause instanceof BerthError ? error.cause : error;
  if (inner instanceof BerthError) return inner;
  const { code, rawMessage, details } = ConnectError.from(inner);
  if (code === Code.Unimplemented && details.length === 0) return new BerthError("not-supported", "by this plane", { cause: error });
  if (code === Code.Unauthenticated || (lost.has(code) && details.length === 0)) return planeCallFailure(error);
  const same = new ConnectError(rawMessage, code);
  same.details = details;
  return same;
}
