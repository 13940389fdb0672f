import { type Any, AnySchema } from "@bufbuild/protobuf/wkt";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Code, type ConnectError } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { toConnectError } from "../../contract/connect-error.ts";
import type { EngineCalls } from "../../contract/engine-port.ts";
import type { CheckAuthenticationForHostResponse } from "../../contract/gen/gitpod/v1/runner_pb.js";
import type { ValidateRunnerConfigurationResponse } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import {
  RunnerInteractionService,
  type SendResponseRequestSchema,
  SendResponseRequest_ErrorCode as ErrorCode,
  type WatchRequestsResponse,
  type WatchRequestsResponse_ValidateConfig,
} from "../../contract/gen/gitpod/v1/runner_interaction_pb.js";
import { runnerCallTimeoutMs } from "../../contract/runner-protocol.ts";
import { type Clock, deadline } from "../../lib/clock.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import { maxAnswersAtOnce, maxAnswerTries } from "./limits.ts";
import type { PlaneConnection } from "./plane-connection.ts";
import type { TunnelAnswerer } from "./tunnel-answer.ts";

/** What the plane may ask of this runner. */
export interface RunnerAnswers extends Pick<EngineCalls, "parseContextUrl"> {
  checkAuthenticationForHost(
    request: { readonly host: string; readonly principalId: string },
    signal: AbortSignal,
  ): Promise<CheckAuthenticationForHostResponse>;
  validateConfiguration(
    config: WatchRequestsResponse_ValidateConfig["config"],
    signal: AbortSignal,
  ): Promise<ValidateRunnerConfigurationResponse>;
}

type Response = NonNullable<MessageInitShape<typeof SendResponseRequestSchema>["response"]>;

/** Answers the plane's questions, several at once. */
export class RequestAnswerer {
  readonly #connection: PlaneConnection;
  readonly #answers: RunnerAnswers;
  readonly #tunnels: Pick<TunnelAnswerer, "meet">;
  readonly #clock: Clock;
  readonly #log: Log;
  #atOnce = 0;

  constructor(options: {
    readonly connection: PlaneConnection;
    readonly answers: RunnerAnswers;
    readonly tunnels: Pick<TunnelAnswerer, "meet">;
    readonly clock: Clock;
    readonly log: Log;
  }) {
    this.#connection = options.connection;
    this.#answers = options.answers;
    this.#tunnels = options.tunnels;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** Answers one question within its time; a failure is an answer too. Never throws. */
  async answer(runnerId: string, { requestId, request }: WatchRequestsResponse, signal: AbortSignal): Promise<void> {
    using limit = deadline(this.#clock, runnerCallTimeoutMs, signal);
    this.#atOnce++;
    try {
      await this.#send(runnerId, requestId, await this.#work(request, limit.signal), limit.signal);
    } catch (error) {
      if (!signal.aborted) this.#log.warn("a question of the plane was not answered", { requestId, reason: messageOf(error) });
    } finally {
      this.#atOnce--;
    }
  }

  async #work(request: WatchRequestsResponse["request"], signal: AbortSignal): Promise<Response> {
    try {
      if (request.case === "callPing") return { case: "callPing", value: {} };
      if (this.#atOnce > maxAnswersAtOnce) throw new BerthError("runner-busy", `${maxAnswersAtOnce} questions are being answered`);
      return await this.#ask(request, signal);
    } catch (error) {
      return { case: "error", value: errorOf(toConnectError(error)) };
    }
  }

  async #ask(request: WatchRequestsResponse["request"], signal: AbortSignal): Promise<Response> {
    switch (request.case) {
      case "callParseContext": {
        const { contextUrl, principalId } = request.value;
        return { case: "callParseContext", value: await this.#answers.parseContextUrl({ contextUrl, principalId }, signal) };
      }
      case "callCheckAuthenticationForHost": {
        const { host, principalId } = request.value;
        return {
          case: "callCheckAuthenticationForHost",
          value: await this.#answers.checkAuthenticationForHost({ host, principalId }, signal),
        };
      }
      case "callValidateConfig":
        return { case: "callValidateConfig", value: await this.#answers.validateConfiguration(request.value.config, signal) };
      case "callMeetTunnel":
        await this.#tunnels.meet(request.value, signal);
        return { case: "callMeetTunnel", value: {} };
      default:
        throw new BerthError("not-supported", "this runner does not know what was asked");
    }
  }

  /** An answer that was lost with its connection is sent again: the plane takes the first. */
  async #send(runnerId: string, requestId: string, response: Response, signal: AbortSignal): Promise<void> {
    const client = this.#connection.client(RunnerInteractionService);
    for (let tries = 1; ; tries++) {
      try {
        await this.#connection.call((call) => client.sendResponse({ runnerId, requestId, response }, call), signal);
        return;
      } catch (error) {
        const isLost = error instanceof BerthError && error.code === "plane-unreachable";
        if (!isLost || tries >= maxAnswerTries) throw error;
      }
    }
  }
}

const errorCodes: Readonly<Partial<Record<Code, ErrorCode>>> = {
  [Code.Canceled]: ErrorCode.CANCELED,
  [Code.InvalidArgument]: ErrorCode.INVALID_ARGUMENT,
  [Code.DeadlineExceeded]: ErrorCode.DEADLINE_EXCEEDED,
  [Code.NotFound]: ErrorCode.NOT_FOUND,
  [Code.AlreadyExists]: ErrorCode.ALREADY_EXISTS,
  [Code.PermissionDenied]: ErrorCode.PERMISSION_DENIED,
  [Code.ResourceExhausted]: ErrorCode.RESOURCE_EXHAUSTED,
  [Code.FailedPrecondition]: ErrorCode.FAILED_PRECONDITION,
  [Code.Unimplemented]: ErrorCode.UNIMPLEMENTED,
  [Code.Unavailable]: ErrorCode.UNAVAILABLE,
  [Code.Unauthenticated]: ErrorCode.UNAUTHENTICATED,
};

/** The protocol's limit. */
const maxMessageLength = 4096;

function errorOf({ code, rawMessage, details }: ConnectError) {
  return {
    code: errorCodes[code] ?? ErrorCode.UNSPECIFIED,
    message: rawMessage.slice(0, maxMessageLength),
    details: details.map((detail): Any => {
      if (!("desc" in detail)) return create(AnySchema, { typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value });
      const value = toBinary(detail.desc, create(detail.desc, detail.value));
      return create(AnySchema, { typeUrl: `type.googleapis.com/${detail.desc.typeName}`, value });
    }),
  };
}
