import type { DescService } from "@bufbuild/protobuf";
import { AccountService } from "../contract/gen/gitpod/v1/account_pb.js";
import { EnvironmentAutomationService } from "../contract/gen/gitpod/v1/environment_automation_pb.js";
import { TunnelService } from "../contract/gen/berth/v1/tunnel_pb.js";
import { GatewayService } from "../contract/gen/gitpod/v1/gateway_pb.js";
import { GroupService } from "../contract/gen/gitpod/v1/group_pb.js";
import { OrganizationService } from "../contract/gen/gitpod/v1/organization_pb.js";
import { PrebuildService } from "../contract/gen/gitpod/v1/prebuild_pb.js";
import { ProjectService } from "../contract/gen/gitpod/v1/project_pb.js";
import { RunnerInteractionService } from "../contract/gen/gitpod/v1/runner_interaction_pb.js";
import { ServiceAccountService } from "../contract/gen/gitpod/v1/service_account_pb.js";
import { UserService } from "../contract/gen/gitpod/v1/user_pb.js";
import { type PlanePolicy, planePolicy } from "./access/plane-policy.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { assemblePlane, type PlaneApi, type PlaneParts } from "./assemble-plane.ts";
import type { Admit, Authenticate } from "./caller.ts";
import { tellTokensGone, type TellTokensGone } from "./credentials-of.ts";
import type { TellFault } from "./interceptors.ts";
import type { Sealer } from "./seal.ts";
import type { RunnerPlane } from "./runners/create-runner-plane.ts";
import { type ScopeOf, scopes } from "./request-scope.ts";
import { openRunnerPlane } from "./runner-store/open-runner-plane.ts";
import { runnerAuthentication } from "./runner-store/runner-callers.ts";
import type { FanOut } from "./runners/fan-out.ts";
import { accountService } from "./services/account-service.ts";
import { automationService } from "./services/automations/automation-service.ts";
import { bind, type BoundService } from "./services/bind.ts";
import { classAdministration } from "./services/class-administration.ts";
import { environmentSecretValue } from "./services/environment-secrets.ts";
import { gatewayService } from "./services/gateway-service.ts";
import { groupService } from "./services/group-service.ts";
import { organizationService } from "./services/organization-service.ts";
import { projectService } from "./services/project-service.ts";
import { domainVerifications } from "./services/domain-verifications.ts";
import { loginProviders } from "./services/login-providers.ts";
import { ssoConfigurations } from "./services/sso-configurations.ts";
import { runnerAdministration } from "./services/runner-administration.ts";
import { runnerPolicies } from "./services/runner-policies.ts";
import { scmIntegrations } from "./services/scm-integrations.ts";
import { sealedHostTokens } from "./services/sealed-host-tokens.ts";
import { secretService } from "./services/secret-service.ts";
import { serviceAccountService } from "./services/service-account-service.ts";
import { userService } from "./services/user-service.ts";
import type { EndSignIns } from "./services/organization-dependencies.ts";
import type { DomainVerifier } from "./sign-in/domain-verification.ts";
import type { ProviderDirectory } from "./sign-in/ports.ts";
import type { SignIn } from "./sign-in.ts";
import { memberKind } from "./store/identity-kinds.ts";
import { storeFleet } from "./store-fleet.ts";
import type { PageTokens } from "./store/page-tokens.ts";
import type { Store } from "./store/store.ts";
import { type GatewayAddress, Gateways } from "./tunnels/gateways.ts";
import { recheckBy } from "./tunnels/recheck.ts";
import { tunnelService } from "./tunnels/tunnel-service.ts";
import { Tunnels } from "./tunnels/tunnels.ts";

export interface ServerPlaneOptions {
  readonly store: Store;
  readonly tokens: PageTokens;
  readonly sealer: Sealer;
  readonly authenticate: Authenticate;
  readonly admit: Admit;
  readonly tellFault: TellFault;
  readonly now: () => number;
  /** Timers of watches; the computer's where none are given. */
  readonly after?: PlaneParts["after"];
  /** Aborts when streams have to end, so that their clients go to another process. */
  readonly drain: AbortSignal;
  readonly providers: ProviderDirectory;
  readonly domainVerifier: DomainVerifier;
  /** Absent where the plane was not told its public address. */
  readonly signIn?: Pick<SignIn, "publicUrl" | "relyingParty" | "idTokens" | "endAllOf">;
  /** This process as a way into environments; absent where it is none. */
  readonly gateway?: GatewayAddress;
  /** Between the server's processes. */
  readonly fanOut: FanOut;
  /** Unique among all processes of the installation, also over time. */
  readonly processId: string;
  readonly log: Log;
}

/** The management plane as a server has it: for many organizations, with runners that sign up. */
export function createServerPlane(options: ServerPlaneOptions): PlaneApi {
  const { store, tokens, sealer, admit, tellFault, now, drain, fanOut, processId, log, signIn } = options;
  const scopeOf = scopes(store, { now });
  const deriveKey = sealer.deriveKey.bind(sealer);
  const clock = { ...systemClock, nowMs: now };
  const opened = openRunnerPlane({ store, deriveKey, fanOut, processId, clock, log, signal: drain });
  const { runners } = opened;
  const machines = runnerAuthentication({ ...opened, enrolment: runners.enrolment });
  const authenticate: Authenticate = async (headers) => (await options.authenticate(headers)) ?? (await machines(headers));
  const fleet = storeFleet(store, runners.calls);
  const tokensGone = tellTokensGone(runners.hub);
  const keeping = { store, scopeOf, runners, now };
  const policy = planePolicy({ store, authenticate });
  const unbuilt = [PrebuildService];
  return assemblePlane({
    store,
    tokens,
    sealer,
    fleet,
    authenticate,
    admit,
    tellFault,
    now,
    ...(options.after === undefined ? {} : { after: options.after }),
    drain,
    ...(signIn === undefined ? {} : { idTokens: signIn.idTokens }),
    gitIdentity: async ({ id, organizationId }) => {
      const member = await store.inOrganization(organizationId).get(memberKind, id);
      return { name: member?.message.user?.name ?? "", email: member?.message.user?.email ?? "" };
    },
    services: [
      ...peopleServices(options, scopeOf, tokensGone),
      bind(GroupService, groupService({ scopeOf, now })),
      bind(ServiceAccountService, serviceAccountService({ scopeOf, now, tellTokensGone: tokensGone })),
      bind(EnvironmentAutomationService, automationService({ scopeOf, now })),
      bind(ProjectService, projectService({ scopeOf, fleet, tokens, now })),
      bind(RunnerInteractionService, runners.interactionService),
      ...tunnelServices(options, { scopeOf, runners, policy, clock }),
      ...unbuilt.map((service) => bind<DescService>(service, {})),
    ],
    own: {
      identity: { exchangeToken: runners.exchangeToken },
      runner: { ...runnerAdministration(keeping), ...runnerPolicies(keeping) },
      runnerConfiguration: { ...classAdministration(keeping), ...scmIntegrations(keeping), ...sealedHostTokens(keeping) },
      secret: { getSecretValue: environmentSecretValue({ scopeOf, sealer }, secretService({ scopeOf, sealer, now }).getSecretValue) },
    },
    policy,
  });
}

/** The ways into environments; one of them is this process, where it was told so. */
function tunnelServices(
  { store, tokens, gateway, processId, drain, log }: ServerPlaneOptions,
  parts: { readonly scopeOf: ScopeOf; readonly runners: RunnerPlane; readonly policy: PlanePolicy; readonly clock: Clock },
): BoundService[] {
  const { scopeOf, runners, policy, clock } = parts;
  const gateways = new Gateways({ store, clock, log });
  if (gateway !== undefined) gateways.keep(gateway, processId, drain);
  const tunnels = new Tunnels(clock);
  const recheck = recheckBy(store, policy);
  return [
    bind(GatewayService, gatewayService({ gateways, tokens })),
    bind(TunnelService, tunnelService({ gateway, tunnels, runners, scopeOf, recheck, clock, log })),
  ];
}

/** People, their organizations, and how they come in. */
function peopleServices(
  { store, tokens, sealer, now, providers, domainVerifier, signIn }: ServerPlaneOptions,
  scopeOf: ScopeOf,
  tokensGone: TellTokensGone,
): BoundService[] {
  const endSignIns: EndSignIns = async (member) => signIn?.endAllOf(member);
  return [
    bind(UserService, userService({ scopeOf, now, endSignIns, tellTokensGone: tokensGone })),
    bind(AccountService, {
      ...accountService({ store, tokens, now, endSignIns, tellTokensGone: tokensGone }),
      ...loginProviders({ store, tokens, providers, publicUrl: signIn?.publicUrl }),
    }),
    bind(OrganizationService, {
      ...organizationService({ store, scopeOf, now, endSignIns }),
      ...ssoConfigurations({ scopeOf, sealing: sealer, signIn, now }),
      ...domainVerifications({ scopeOf, verifier: domainVerifier, now }),
    }),
  ];
}
