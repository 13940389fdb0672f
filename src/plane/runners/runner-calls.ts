import { Code, ConnectError } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import type { CheckAuthenticationForHostResponse, ParseContextURLResponse } from "../../contract/gen/gitpod/v1/runner_pb.js";
import type {
  ValidateRunnerConfigurationRequest,
  ValidateRunnerConfigurationResponse,
} from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import {
  type SendResponseRequest,
  type SendResponseRequest_Error,
  SendResponseRequest_ErrorCode as ErrorCode,
} from "../../contract/gen/gitpod/v1/runner_interaction_pb.js";
import type { RunnerCall, RunnerHub } from "./runner-hub.ts";

type Answer = SendResponseRequest["response"];

/**
 * What the plane's services ask runners. Each call fails as `RunnerHub.call` does, or with the Connect error that the
 * runner answered, its details included; `internal` when the answer is one to another question.
 */
export class RunnerCalls {
  readonly #hub: RunnerHub;

  constructor(hub: RunnerHub) {
    this.#hub = hub;
  }

  async parseContextUrl(
    runnerId: string,
    request: { readonly contextUrl: string; readonly principalId: string },
    signal: AbortSignal,
  ): Promise<ParseContextURLResponse> {
    const answer = await this.#ask(runnerId, { case: "callParseContext", value: request }, signal);
    return answer.case === "callParseContext" ? answer.value : wrongAnswer(answer);
  }

  async checkAuthenticationForHost(
    runnerId: string,
    request: { readonly host: string; readonly principalId: string },
    signal: AbortSignal,
  ): Promise<CheckAuthenticationForHostResponse> {
    const answer = await this.#ask(runnerId, { case: "callCheckAuthenticationForHost", value: request }, signal);
    return answer.case === "callCheckAuthenticationForHost" ? answer.value : wrongAnswer(answer);
  }

  async validateConfiguration(
    runnerId: string,
    config: ValidateRunnerConfigurationRequest["config"],
    signal: AbortSignal,
  ): Promise<ValidateRunnerConfigurationResponse> {
    const answer = await this.#ask(runnerId, { case: "callValidateConfig", value: { config } }, signal);
    return answer.case === "callValidateConfig" ? answer.value : wrongAnswer(answer);
  }

  /** Has the runner connect an environment's ssh server with a gateway; answers once they are connected. */
  async meetTunnel(
    runnerId: string,
    request: { readonly environmentId: string; readonly gatewayUrl: string; readonly ticket: string },
    signal: AbortSignal,
  ): Promise<void> {
    const answer = await this.#ask(runnerId, { case: "callMeetTunnel", value: request }, signal);
    if (answer.case !== "callMeetTunnel") wrongAnswer(answer);
  }

  /** Whether the runner answers. */
  async ping(runnerId: string, signal: AbortSignal): Promise<void> {
    const answer = await this.#ask(runnerId, { case: "callPing", value: {} }, signal);
    if (answer.case !== "callPing") wrongAnswer(answer);
  }

  async #ask(runnerId: string, call: RunnerCall, signal: AbortSignal): Promise<Answer> {
    const { response } = await this.#hub.call(runnerId, call, signal);
    if (response.case === "error") throw connectErrorOf(response.value);
    return response;
  }
}

const connectCodes: Readonly<Record<ErrorCode, Code>> = {
  [ErrorCode.UNSPECIFIED]: Code.Internal,
  [ErrorCode.CANCELED]: Code.Canceled,
  [ErrorCode.INVALID_ARGUMENT]: Code.InvalidArgument,
  [ErrorCode.DEADLINE_EXCEEDED]: Code.DeadlineExceeded,
  [ErrorCode.NOT_FOUND]: Code.NotFound,
  [ErrorCode.ALREADY_EXISTS]: Code.AlreadyExists,
  [ErrorCode.PERMISSION_DENIED]: Code.PermissionDenied,
  [ErrorCode.RESOURCE_EXHAUSTED]: Code.ResourceExhausted,
  [ErrorCode.FAILED_PRECONDITION]: Code.FailedPrecondition,
  [ErrorCode.UNIMPLEMENTED]: Code.Unimplemented,
  [ErrorCode.UNAVAILABLE]: Code.Unavailable,
  // The caller is known to the plane; it is the runner that is not let in somewhere.
  [ErrorCode.UNAUTHENTICATED]: Code.FailedPrecondition,
};

function connectErrorOf({ code, message, details }: SendResponseRequest_Error): ConnectError {
  const error = new ConnectError(message, connectCodes[code]);
  error.details = details.map(({ typeUrl, value }) => ({ type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1), value }));
  return error;
}

function wrongAnswer({ case: kind }: Answer): never {
  throw new BerthError("internal", `the runner answered with '${kind}' to another question`);
}
