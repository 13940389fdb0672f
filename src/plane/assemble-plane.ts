import type { ConnectRouter, Interceptor, ServiceImpl } from "@connectrpc/connect";
import { type Clock, systemClock } from "../lib/clock.ts";
import type { AuthorizedCall } from "./authorization/authorizer.ts";
import type { PlanePolicy } from "./access/plane-policy.ts";
import { EditorService } from "../contract/gen/gitpod/v1/editor_pb.js";
import { EnvironmentService } from "../contract/gen/gitpod/v1/environment_pb.js";
import { EventService } from "../contract/gen/gitpod/v1/event_pb.js";
import { IdentityService } from "../contract/gen/gitpod/v1/identity_pb.js";
import { RunnerConfigurationService } from "../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerService } from "../contract/gen/gitpod/v1/runner_pb.js";
import { SecretService } from "../contract/gen/gitpod/v1/secret_pb.js";
import { UsageService } from "../contract/gen/gitpod/v1/usage_pb.js";
import { type Admit, type Authenticate, type Caller, knownCaller } from "./caller.ts";
import type { IdTokenIssuer } from "./id-tokens/id-token-issuer.ts";
import { PlaneEvents } from "./events.ts";
import type { Fleet } from "./fleet.ts";
import { answerRepeatedCalls, fingerprintKeyUse } from "./idempotency/repeated-calls.ts";
import { createGate, enterWith, type Gate, passGate } from "./gate.ts";
import { paginationFromQuery, refuseUnbuilt, type TellFault, translated, translateErrors, validateRequests } from "./interceptors.ts";
import { type JsonlObserver, type NodeRequest, type NodeResponse, serveJsonlEvents } from "./jsonl.ts";
import { scopeOfCaller, scopes } from "./request-scope.ts";
import type { Sealer } from "./seal.ts";
import { auditLog } from "./services/audit-log-service.ts";
import { bind, type BoundService, type StreamMethod } from "./services/bind.ts";
import { editorService } from "./services/editor-service.ts";
import { environmentService } from "./services/environment-service.ts";
import { type WatchEvents, watchEvents } from "./services/event-service.ts";
import type { CheckAgain } from "./services/checked-watch.ts";
import { identityService } from "./services/identity-service.ts";
import { runnerConfigurationService } from "./services/runner-configuration-service.ts";
import { runnerService } from "./services/runner-service.ts";
import { secretService } from "./services/secret-service.ts";
import { usageService } from "./services/usage-service.ts";
import type { PageTokens } from "./store/page-tokens.ts";
import type { Store } from "./store/store.ts";

/** What a plane is made of, embedded or as a server. */
export interface PlaneParts {
  readonly store: Store;
  readonly tokens: PageTokens;
  readonly sealer: Sealer;
  readonly fleet: Fleet;
  readonly authenticate: Authenticate;
  readonly admit: Admit;
  readonly tellFault: TellFault;
  readonly now: () => number;
  /** Timers; the computer's where none are given. */
  readonly after?: Clock["after"];
  /** Who commits in new environments whose spec does not say it. */
  readonly gitIdentity: (caller: Caller) => Promise<{ readonly name: string; readonly email: string }>;
  /** Aborts when streams have to end, so that their clients go to another process. */
  readonly drain?: AbortSignal;
  /** Tokens by which callers prove elsewhere who they are; none without a public address. */
  readonly idTokens?: Pick<IdTokenIssuer, "issue">;
  /** Services beside those that every plane has. */
  readonly services: readonly BoundService[];
  /** Who may do what; without one, everything is for whoever is known. */
  readonly policy?: PlanePolicy;
  /** Methods that take the place of those that every plane has, or stand beside them. */
  readonly own?: {
    readonly identity: Partial<ServiceImpl<typeof IdentityService>>;
    readonly runner: Partial<ServiceImpl<typeof RunnerService>>;
    readonly runnerConfiguration: Partial<ServiceImpl<typeof RunnerConfigurationService>>;
    readonly secret: Partial<ServiceImpl<typeof SecretService>>;
  };
}

/** The API of a plane, ready to be served. */
export interface PlaneApi {
  readonly interceptors: Interceptor[];
  readonly events: PlaneEvents;
  /** To be run before the body of a request is read; where it is not, an interceptor does it. */
  readonly gate: Gate;
  /** Those of the services' methods that stream, for whoever serves them in a way of their own. */
  readonly streams: readonly StreamMethod[];
  /** Registers the services; methods that are not built answer `unimplemented`. */
  routes(router: ConnectRouter): void;
  /** False when the request is another one. `address` is where it came from, if not from who is connected. */
  serveJsonl(request: NodeRequest, response: NodeResponse, address?: string, observer?: JsonlObserver): boolean;
}

export function assemblePlane(parts: PlaneParts): PlaneApi {
  const { store, tokens, sealer, fleet, authenticate, admit, now, gitIdentity } = parts;
  const events = new PlaneEvents(store.events);
  const scopeOf = scopes(store, parts.policy === undefined ? undefined : { now });
  const watchUntil = watchEvents(events, { now, after: parts.after ?? systemClock.after });
  const watch: WatchEvents = async (scope, request, signal, again) =>
    watchUntil(scope, request, parts.drain === undefined ? signal : AbortSignal.any([signal, parts.drain]), again);
  const again = checkAgain(parts);
  const services = [
    bind(EnvironmentService, environmentService({ scopeOf, fleet, tokens, gitIdentity, now })),
    bind(EventService, {
      watchEvents: async function* (request, context) {
        const call = { message: request, url: context.url, headers: context.requestHeader };
        yield* await watch(scopeOf(context), request, context.signal, again?.(call));
      },
      ...(parts.policy === undefined ? {} : auditLog({ scopeOf })),
    }),
    bind(UsageService, usageService({ scopeOf, fleet, tokens, now })),
    bind(EditorService, editorService({ scopeOf, tokens, now })),
    bind(RunnerService, { ...runnerService({ scopeOf, fleet, tokens }), ...parts.own?.runner }),
    bind(RunnerConfigurationService, {
      ...runnerConfigurationService({ scopeOf, fleet, tokens, sealer, now }),
      ...parts.own?.runnerConfiguration,
    }),
    bind(SecretService, { ...secretService({ scopeOf, sealer, now }), ...parts.own?.secret }),
    bind(IdentityService, { ...identityService({ store, idTokens: parts.idTokens }), ...parts.own?.identity }),
    ...parts.services,
  ];
  const unbuilt = new Set(services.flatMap((service) => service.unbuilt));
  const enter = enterWith({ authenticate, admit, policy: parts.policy });
  const gate = createGate(enter);
  return {
    events,
    gate: async (context) => {
      try {
        await gate(context);
      } catch (error) {
        throw translated(error, parts.tellFault);
      }
    },
    interceptors: [
      translateErrors(parts.tellFault),
      passGate(gate),
      refuseUnbuilt(unbuilt),
      paginationFromQuery(),
      validateRequests(),
      ...(parts.policy === undefined ? [] : [parts.policy.authorizer.authorization(), repeatedCalls(parts)]),
    ],
    streams: services.flatMap((service) => service.streams),
    routes: (router) => {
      for (const service of services) service.register(router);
    },
    serveJsonl: (request, response, address = request.socket.remoteAddress ?? "", observer?) =>
      serveJsonlEvents(request, response, {
        observer,
        watch,
        tellFault: parts.tellFault,
        again: (call) => again?.(call),
        enter: async (headers) => enter({ headers, address, method: EventService.method.watchEvents }),
        scopeOf: async ({ caller, principal }, call) => {
          await parts.policy?.authorizer.authorize(principal, { method: EventService.method.watchEvents, ...call });
          return scopeOfCaller(store, knownCaller(caller), principal);
        },
      }),
  };
}

function repeatedCalls({ store, sealer, tellFault, now }: PlaneParts): Interceptor {
  return answerRepeatedCalls({ store, fingerprintKey: sealer.deriveKey(fingerprintKeyUse), tellFault, now });
}

type WatchCall = Pick<AuthorizedCall, "message" | "url" | "headers">;

/** How a call of WatchEvents is looked at again while it goes on; without a policy it is not. */
function checkAgain({ store, authenticate, policy }: PlaneParts): ((call: WatchCall) => CheckAgain) | undefined {
  if (policy === undefined) return undefined;
  const method = EventService.method.watchEvents;
  return (call) => async () => {
    const caller = await authenticate(call.headers);
    const principal = await policy.principalOf(caller);
    policy.authorizer.admit(method, principal);
    await policy.authorizer.authorize(principal, { method, ...call });
    return scopeOfCaller(store, knownCaller(caller), principal);
  };
}
