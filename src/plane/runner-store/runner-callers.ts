import { Principal } from "../../contract/gen/gitpod/v1/identity_pb.js";
import type { RunnerEnrolment } from "../runners/enrolment.ts";
import type { Authenticate, Caller } from "../caller.ts";
import type { EnvironmentTokens } from "./environment-tokens.ts";

const bearerPattern = /^Bearer +(berth_(?:ra|ea)_[A-Za-z0-9_-]+)$/i;

/** Finds out which runner or environment calls by its access token; other tokens are for others to know. */
export function runnerAuthentication(options: {
  readonly enrolment: RunnerEnrolment;
  readonly environmentTokens: EnvironmentTokens;
}): Authenticate {
  const { enrolment, environmentTokens } = options;
  return async (headers) => {
    const [, token] = bearerPattern.exec(headers.get("authorization") ?? "") ?? [];
    if (token === undefined) return undefined;
    const runner = await enrolment.authenticate(token);
    if (runner !== undefined) return machineCaller(Principal.RUNNER, runner);
    const environment = await environmentTokens.authenticate(token);
    return environment === undefined ? undefined : machineCaller(Principal.ENVIRONMENT, environment);
  };
}

function machineCaller(principal: Principal, { id, organizationId }: { readonly id: string; readonly organizationId: string }): Caller {
  return { principal, id, organizationId, accountId: "", isAdministrator: false, isReadOnly: false };
}
