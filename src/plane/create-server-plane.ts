import type { DescService } from "@bufbuild/protobuf";
import { AccountService } from "../contract/gen/gitpod/v1/account_pb.js";
import { EnvironmentAutomationService } from "../contract/gen/gitpod/v1/environment_automation_pb.js";
import { GatewayService } from "../contract/gen/gitpod/v1/gateway_pb.js";
import { GroupService } from "../contract/gen/gitpod/v1/group_pb.js";
import { OrganizationService } from "../contract/gen/gitpod/v1/organization_pb.js";
import { PrebuildService } from "../contract/gen/gitpod/v1/prebuild_pb.js";
import { ProjectService } from "../contract/gen/gitpod/v1/project_pb.js";
import { ServiceAccountService } from "../contract/gen/gitpod/v1/service_account_pb.js";
import { UsageService } from "../contract/gen/gitpod/v1/usage_pb.js";
import { UserService } from "../contract/gen/gitpod/v1/user_pb.js";
import { assemblePlane, type PlaneApi } from "./assemble-plane.ts";
import type { Admit, Authenticate } from "./caller.ts";
import type { TellFault } from "./interceptors.ts";
import type { Sealer } from "./seal.ts";
import { scopes } from "./request-scope.ts";
import { accountService } from "./services/account-service.ts";
import { bind } from "./services/bind.ts";
import { groupService } from "./services/group-service.ts";
import { organizationService } from "./services/organization-service.ts";
import { projectService } from "./services/project-service.ts";
import { domainVerifications } from "./services/domain-verifications.ts";
import { loginProviders, openLoginMethods } from "./services/login-providers.ts";
import { ssoConfigurations } from "./services/sso-configurations.ts";
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

export interface ServerPlaneOptions {
  readonly store: Store;
  readonly tokens: PageTokens;
  readonly sealer: Sealer;
  readonly authenticate: Authenticate;
  readonly admit: Admit;
  readonly tellFault: TellFault;
  readonly now: () => number;
  /** Aborts when streams have to end, so that their clients go to another process. */
  readonly drain: AbortSignal;
  readonly providers: ProviderDirectory;
  readonly domainVerifier: DomainVerifier;
  /** Absent where the plane was not told its public address. */
  readonly signIn?: Pick<SignIn, "publicUrl" | "relyingParty" | "idTokens" | "endAllOf">;
}

/** The management plane as a server has it: for many organizations, with runners that sign up. */
export function createServerPlane(options: ServerPlaneOptions): PlaneApi {
  const { store, tokens, sealer, authenticate, admit, tellFault, now, drain, providers, signIn } = options;
  const endSignIns: EndSignIns = async (member) => signIn?.endAllOf(member);
  const scopeOf = scopes(store);
  const fleet = storeFleet(store, () => undefined);
  const unbuilt = [EnvironmentAutomationService, GatewayService, PrebuildService, UsageService];
  return assemblePlane({
    store,
    tokens,
    sealer,
    fleet,
    authenticate,
    admit,
    tellFault,
    now,
    drain,
    ...(signIn === undefined ? {} : { idTokens: signIn.idTokens }),
    gitIdentity: async ({ id, organizationId }) => {
      const member = await store.inOrganization(organizationId).get(memberKind, id);
      return { name: member?.message.user?.name ?? "", email: member?.message.user?.email ?? "" };
    },
    services: [
      bind(UserService, userService({ scopeOf, now, endSignIns })),
      bind(AccountService, {
        ...accountService({ store, tokens, endSignIns }),
        ...loginProviders({ store, tokens, providers, publicUrl: signIn?.publicUrl }),
      }),
      bind(OrganizationService, {
        ...organizationService({ store, scopeOf, now, endSignIns }),
        ...ssoConfigurations({ scopeOf, sealing: sealer, signIn, now }),
        ...domainVerifications({ scopeOf, verifier: options.domainVerifier, now }),
      }),
      bind(GroupService, groupService({ scopeOf, now })),
      bind(ServiceAccountService, serviceAccountService({ scopeOf, now })),
      bind(ProjectService, projectService({ scopeOf, fleet, tokens, now })),
      ...unbuilt.map((service) => bind<DescService>(service, {})),
    ],
    openMethods: new Set(openLoginMethods),
  });
}
