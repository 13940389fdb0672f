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
import { planePolicy } from "./access/plane-policy.ts";
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
import { serviceAccountService } from "./services/service-account-service.ts";
import { userService } from "./services/user-service.ts";
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
}

/** The management plane as a server has it: for many organizations, with runners that sign up. */
export function createServerPlane(options: ServerPlaneOptions): PlaneApi {
  const { store, tokens, sealer, authenticate, admit, tellFault, now, drain } = options;
  const scopeOf = scopes(store, { now });
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
    gitIdentity: async ({ id, organizationId }) => {
      const member = await store.inOrganization(organizationId).get(memberKind, id);
      return { name: member?.message.user?.name ?? "", email: member?.message.user?.email ?? "" };
    },
    services: [
      bind(UserService, userService({ scopeOf, now })),
      bind(AccountService, accountService({ store, tokens, now })),
      bind(OrganizationService, organizationService({ store, scopeOf, now })),
      bind(GroupService, groupService({ scopeOf, now })),
      bind(ServiceAccountService, serviceAccountService({ scopeOf, now })),
      bind(ProjectService, projectService({ scopeOf, fleet, tokens, now })),
      ...unbuilt.map((service) => bind<DescService>(service, {})),
    ],
    policy: planePolicy({ store, authenticate }),
  });
}
