import { BerthError } from "../contract/berth-error.ts";
import { Context_State, type Context, type RemoteEnvironment } from "../contract/gen/berth/v1/context_pb.js";
import type { HostClients } from "./connection.ts";
import { findContext } from "./contexts.ts";

/** An environment of a context by its name in any case, its ssh name or its id. Fails with `environment-not-found`, `sign-in-required` or `plane-unreachable`. */
export async function findRemoteEnvironment(
  clients: HostClients,
  wantedContext: string,
  nameOrId: string,
  signal?: AbortSignal,
): Promise<{ readonly context: Context; readonly environment: RemoteEnvironment }> {
  const context = await findContext(clients, wantedContext);
  const options = signal === undefined ? {} : { signal };
  const answer = await clients.contexts.listRemoteEnvironments({ contextId: context.contextId }, options);
  if (answer.context?.state === Context_State.OFFLINE)
    throw new BerthError("plane-unreachable", `${context.name}: ${answer.context.detail}`);
  const domain = `.${context.name.toLowerCase()}.berth`;
  const typed = nameOrId.toLowerCase();
  const wanted = typed.endsWith(domain) ? typed.slice(0, -domain.length) : typed;
  const environment = answer.environments.find(({ environmentId, name }) => environmentId === nameOrId || name.toLowerCase() === wanted);
  if (environment === undefined) throw new BerthError("environment-not-found", `'${nameOrId}' at ${context.name}`);
  return { context, environment };
}
