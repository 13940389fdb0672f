import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { fromConnectError } from "../../contract/connect-error.ts";
import {
  type MeetTunnelRequest,
  MeetTunnelResponseSchema,
  type OpenTunnelRequest,
  OpenTunnelResponseSchema,
  type TunnelService,
} from "../../contract/gen/berth/v1/tunnel_pb.js";
import { type Environment, EnvironmentPhase } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { runnerSessionHeader } from "../../contract/runner-protocol.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { principalKey } from "../authorization/authorizer.ts";
import type { ScopeOf } from "../request-scope.ts";
import type { RunnerPlane } from "../runners/create-runner-plane.ts";
import { environmentKind } from "../store/kinds.ts";
import type { GatewayAddress } from "./gateways.ts";
import { keepChecking } from "./keep-checking.ts";
import type { Tunnels } from "./tunnels.ts";

/** Whether who opened a tunnel may still use what it leads to; throws when that is over. */
export type Recheck = (context: HandlerContext, first: OpenTunnelRequest) => Promise<void>;

export interface TunnelServiceOptions {
  /** This process as a gateway; undefined where it is none. */
  readonly gateway: GatewayAddress | undefined;
  readonly tunnels: Tunnels;
  readonly runners: Pick<RunnerPlane, "calls" | "enrolment" | "hub">;
  readonly scopeOf: ScopeOf;
  readonly recheck: Recheck;
  readonly clock: Clock;
  readonly log: Log;
}

/** berth.v1.TunnelService. */
export function tunnelService(options: TunnelServiceOptions): ServiceImpl<typeof TunnelService> {
  return {
    open: (requests, context) => open(options, requests, context),
    meet: (requests, context) => meet(options, requests, context),
  };
}

async function* open(options: TunnelServiceOptions, requests: AsyncIterable<OpenTunnelRequest>, context: HandlerContext) {
  const { gateway, tunnels, recheck, clock, log } = options;
  if (gateway === undefined) throw new BerthError("gateway-missing", "this server is none");
  const input = requests[Symbol.asyncIterator]();
  const first = await input.next();
  if (first.done === true || first.value.message.case !== "environmentId")
    throw new BerthError("request-invalid", "the first message must name the environment");
  const { id: environmentId, metadata } = await runningEnvironment(options, first.value.message.value, context);
  const runnerId = metadata?.runnerId ?? "";
  const { tunnel, ticket } = tunnels.begin(personOf(context), runnerId);
  const end = (): void => tunnel.end();
  context.signal.addEventListener("abort", end);
  if (context.signal.aborted) end();
  try {
    const meeting = AbortSignal.any([context.signal, tunnel.ended]);
    const asked = options.runners.calls.meetTunnel(runnerId, { environmentId, gatewayUrl: gateway.url, ticket }, meeting);
    let isMet = false;
    // What is answered counts until the runner has come: then an answer may get lost without harm.
    asked.catch((error: unknown) => isMet || tunnel.end(fromConnectError(error)));
    const sshHostPublicKey = await tunnel.arrived;
    isMet = true;
    log.info("a tunnel was opened", { environmentId, runnerId });
    keepChecking({ check: async () => recheck(context, first.value), clock, log }, tunnel);
    yield create(OpenTunnelResponseSchema, { message: { case: "connected", value: { sshHostPublicKey } } });
    void tunnel.take("person", input);
    for await (const message of tunnel.pieces("person")) yield create(OpenTunnelResponseSchema, { message });
  } finally {
    context.signal.removeEventListener("abort", end);
    end();
  }
}

async function* meet(options: TunnelServiceOptions, requests: AsyncIterable<MeetTunnelRequest>, context: HandlerContext) {
  const { tunnels, runners, clock, log } = options;
  const principal = context.values.get(principalKey);
  if (principal?.kind !== "runner") throw new BerthError("not-allowed", "only a runner may call this");
  // A token without the runner's private key is worth nothing here either.
  const session = context.requestHeader.get(runnerSessionHeader) ?? "";
  const { name, isNew } = await runners.enrolment.admit(principal.id, session);
  if (isNew) await runners.hub.disconnect(principal.id, { exceptSession: name });
  const input = requests[Symbol.asyncIterator]();
  const first = await input.next();
  if (first.done === true || first.value.message.case !== "arrival")
    throw new BerthError("request-invalid", "the first message must say what was asked for");
  const { ticket, sshHostPublicKey } = first.value.message.value;
  const tunnel = tunnels.arrive(principal.id, ticket, sshHostPublicKey);
  const end = (): void => tunnel.end();
  context.signal.addEventListener("abort", end);
  if (context.signal.aborted) end();
  // Who took this runner over since has its environments, and this process what it holds no longer.
  keepChecking({ check: async () => runners.enrolment.admit(principal.id, session), clock, log }, tunnel);
  try {
    yield create(MeetTunnelResponseSchema, { message: { case: "joined", value: true } });
    void tunnel.take("runner", input);
    for await (const message of tunnel.pieces("runner")) yield create(MeetTunnelResponseSchema, { message });
    // Nothing more comes from the person; what the environment still says goes on to them, until they have it all.
    if (!tunnel.ended.aborted) await new Promise<void>((resolve) => tunnel.ended.addEventListener("abort", () => resolve()));
  } finally {
    context.signal.removeEventListener("abort", end);
    end();
  }
}

/** The environment, which the policy has let the caller use. Fails with `environment-not-running`. */
async function runningEnvironment({ scopeOf }: TunnelServiceOptions, id: string, context: HandlerContext): Promise<Environment> {
  const stored = await scopeOf(context).store.get(environmentKind, id);
  if (stored === undefined) throw new BerthError("environment-not-found", `there is no environment ${id}`);
  const phase = stored.message.status?.phase ?? EnvironmentPhase.UNSPECIFIED;
  if (phase !== EnvironmentPhase.RUNNING) throw new BerthError("environment-not-running", `it is ${EnvironmentPhase[phase].toLowerCase()}`);
  return stored.message;
}

function personOf(context: HandlerContext): string {
  const principal = context.values.get(principalKey);
  return principal === undefined ? "" : `${principal.kind} ${principal.id}`;
}
