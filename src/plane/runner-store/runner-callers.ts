import type { Interceptor } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { Principal } from "../../contract/gen/gitpod/v1/identity_pb.js";
import type { RunnerEnrolment } from "../runners/enrolment.ts";
import { principalKey } from "../authorization/authorizer.ts";
import { type Authenticate, type Caller, callerIfAny } from "../caller.ts";
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

const identity = ["GetAuthenticatedIdentity", "GetIDToken"].map((name) => `gitpod.v1.IdentityService/${name}`);
const tokens = "gitpod.v1.RunnerConfigurationService";
/** Services and methods that are for a runner, and for an environment; there is nothing else for them. */
const own: ReadonlyMap<Principal, readonly string[]> = new Map([
  [
    Principal.RUNNER,
    [
      "gitpod.v1.RunnerInteractionService/",
      ...identity,
      `${tokens}/CreateHostAuthenticationToken`,
      `${tokens}/UpdateHostAuthenticationToken`,
    ],
  ],
  [Principal.ENVIRONMENT, ["gitpod.v1.SecretService/GetSecretValue", ...identity]],
]);

/** Lets runners and environments call what is for them alone, and says which runner it is to the runner protocol. */
export function keepMachinesToTheirOwn(): Interceptor {
  return (next) => async (request) => {
    const caller = callerIfAny(request.contextValues);
    const allowed = caller === undefined ? undefined : own.get(caller.principal);
    const name = `${request.service.typeName}/${request.method.name}`;
    if (allowed?.some((prefix) => name.startsWith(prefix)) === false) throw new BerthError("not-allowed", `${name} is not for it`);
    if (caller?.principal === Principal.RUNNER) {
      const { id, organizationId } = caller;
      request.contextValues.set(principalKey, { kind: "runner", id, organizationId });
    }
    return next(request);
  };
}
