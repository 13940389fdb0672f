import type { DescService } from "@bufbuild/protobuf";
import { type CallOptions, type Client, Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, Http2SessionManager } from "@connectrpc/connect-node";
import type { ClientHttp2Stream, ClientSessionOptions, SecureClientSessionOptions } from "node:http2";
import { BerthError } from "../../contract/berth-error.ts";
import { fromConnectError } from "../../contract/connect-error.ts";
import { runnerSessionHeader } from "../../contract/runner-protocol.ts";
import { type Clock, deadline } from "../../lib/clock.ts";
import { messageOf } from "../../lib/log.ts";
import { wholeAnswer } from "../../lib/whole-answer.ts";
import { callTimeoutMs } from "./limits.ts";

export interface PlaneConnectionOptions {
  /** Where the plane's API is, e.g. `https://berth.example.org/api`. */
  readonly planeUrl: string;
  /** The token that calls have which bring none of their own; undefined: none. */
  readonly accessToken: string | undefined;
  readonly clock: Clock;
  /** Whether answers are not worth packing. */
  readonly isCiphertext?: true;
  /** E.g. authorities to trust besides. */
  readonly http2?: ClientSessionOptions | SecureClientSessionOptions;
}

class PlaneSessions extends Http2SessionManager {
  override async request(...args: Parameters<Http2SessionManager["request"]>): Promise<ClientHttp2Stream> {
    return wholeAnswer(await super.request(...args));
  }
}

/** The outbound connection to a plane: one HTTP/2 session, made anew whenever a call over it was lost. */
export class PlaneConnection {
  readonly #options: PlaneConnectionOptions;
  readonly #clock: Clock;
  readonly #sessions: PlaneSessions;
  readonly #transport: Transport;
  #session: string | undefined;
  #aliveAtMs = -Infinity;

  constructor(options: PlaneConnectionOptions) {
    const { planeUrl, accessToken, clock, http2, isCiphertext } = options;
    this.#options = options;
    this.#clock = clock;
    this.#sessions = new PlaneSessions(planeUrl, {}, http2);
    this.#transport = createConnectTransport({
      baseUrl: planeUrl,
      httpVersion: "2",
      sessionManager: this.#sessions,
      ...(isCiphertext === true ? { acceptCompression: [] } : {}),
      interceptors: [
        (next) => async (request) => {
          if (this.#session !== undefined) request.header.set(runnerSessionHeader, this.#session);
          if (accessToken !== undefined && !request.header.has("authorization"))
            request.header.set("authorization", `Bearer ${accessToken}`);
          return next(request);
        },
      ],
    });
  }

  /** What calls carry from now on to show that they are of this process. */
  useSession(session: string): void {
    this.#session = session;
  }

  /** A connection of the same process for a tunnel, to another server of the plane. */
  forTunnel(planeUrl: string): PlaneConnection {
    const connection = new PlaneConnection({ ...this.#options, planeUrl, isCiphertext: true });
    if (this.#session !== undefined) connection.useSession(this.#session);
    return connection;
  }

  client<Service extends DescService>(service: Service): Client<Service> {
    return createClient(service, this.#transport);
  }

  /**
   * Makes one call. Fails with `plane-unreachable` when there was no answer in time, or the plane says that it cannot answer
   * now; with the plane's own error otherwise. A call that was lost takes its connection with it, unless others were answered
   * over it meanwhile.
   */
  async call<T>(call: (options: CallOptions) => Promise<T>, signal: AbortSignal): Promise<T> {
    using limit = deadline(this.#clock, callTimeoutMs, signal);
    const beganMs = this.#clock.nowMs();
    try {
      const answer = await call({ signal: limit.signal });
      this.heard();
      return answer;
    } catch (error) {
      if (signal.aborted) throw error;
      const isTimeout = limit.signal.aborted;
      if (isTimeout && this.#aliveAtMs <= beganMs) this.reset("a call was not answered");
      const failure = this.failure(error, isTimeout);
      if (failure.code !== "plane-unreachable") this.heard();
      throw failure;
    }
  }

  /** What a failed call or stream means. */
  failure(error: unknown, isTimeout: boolean): BerthError {
    const connectError = ConnectError.from(error);
    if (!isTimeout && !isPassing(connectError)) return fromConnectError(error);
    return new BerthError("plane-unreachable", isTimeout ? "it did not answer in time" : messageOf(error), { cause: error });
  }

  /** Something came over the connection. */
  heard(): void {
    this.#aliveAtMs = this.#clock.nowMs();
  }

  /** Gives the connection up; the next call makes a new one. */
  reset(reason: string): void {
    this.#sessions.abort(new Error(reason));
  }
}

const passingCodes: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.Aborted,
  Code.Canceled,
  Code.DeadlineExceeded,
  Code.ResourceExhausted,
  Code.Internal,
  Code.Unknown,
]);

/** Whether the same call may succeed later: the plane is away, has too much to do, or is at fault itself. */
function isPassing({ code }: ConnectError): boolean {
  return passingCodes.has(code);
}
