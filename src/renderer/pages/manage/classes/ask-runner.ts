import { BerthError } from "../../../../contract/berth-error.ts";
import { fromConnectError } from "../../../../contract/connect-error.ts";
import type { ErrorCode } from "../../../../contract/error-catalogue.ts";
import type { ValidateRunnerConfigurationResponse } from "../../../../contract/gen/gitpod/v1/runner_configuration_pb.js";

/** A runner that is away, or of another make and without an answer, decides when the first environment wants the class. */
const unanswered: ReadonlySet<ErrorCode> = new Set(["runner-unreachable", "runner-busy", "timeout", "not-supported"]);

/** Fails with `class-refused` where the runner says that it cannot give what a class asks for. */
export async function refuseUnfit(ask: () => Promise<ValidateRunnerConfigurationResponse>): Promise<void> {
  const result = await answerOf(ask);
  if (result?.case !== "environmentClass" || result.value.valid) return;
  const { displayNameError, descriptionError, configurationErrors } = result.value;
  const errors = [displayNameError, descriptionError, ...configurationErrors.map(({ key, error }) => `${key}: ${error}`)];
  throw new BerthError("class-refused", errors.filter((error) => error !== undefined).join("; "));
}

async function answerOf(
  ask: () => Promise<ValidateRunnerConfigurationResponse>,
): Promise<ValidateRunnerConfigurationResponse["result"] | undefined> {
  try {
    return (await ask()).result;
  } catch (error) {
    const failure = fromConnectError(error);
    if (unanswered.has(failure.code)) return undefined;
    throw failure;
  }
}
