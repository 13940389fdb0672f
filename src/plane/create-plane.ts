import type { DescService } from "@bufbuild/protobuf";
import type { EngineCalls, EnvironmentStore } from "../contract/engine-port.ts";
import { AccountService } from "../contract/gen/gitpod/v1/account_pb.js";
import type { EnvironmentClass } from "../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { EnvironmentAutomationService } from "../contract/gen/gitpod/v1/environment_automation_pb.js";
import type { Environment } from "../contract/gen/gitpod/v1/environment_pb.js";
import { GatewayService } from "../contract/gen/gitpod/v1/gateway_pb.js";
import { GroupService } from "../contract/gen/gitpod/v1/group_pb.js";
import { OrganizationService } from "../contract/gen/gitpod/v1/organization_pb.js";
import { PrebuildService } from "../contract/gen/gitpod/v1/prebuild_pb.js";
import { ProjectService } from "../contract/gen/gitpod/v1/project_pb.js";
import { RunnerInteractionService } from "../contract/gen/gitpod/v1/runner_interaction_pb.js";
import { ServiceAccountService } from "../contract/gen/gitpod/v1/service_account_pb.js";
import { UserService } from "../contract/gen/gitpod/v1/user_pb.js";
import { EnvironmentOpsService } from "../contract/gen/supervisor/v1/environmentopts_pb.js";
import { messageOf } from "../lib/log.ts";
import { assemblePlane, type PlaneApi } from "./assemble-plane.ts";
import { EnvironmentRecords } from "./environment-records.ts";
import { environmentStore } from "./environment-store.ts";
import { KnownEnvironments } from "./known-environments.ts";
import { type DedicatedSize, isDedicatedClass, loadLocalIdentity, localFleet } from "./local-identity.ts";
import { scopeOfCaller } from "./request-scope.ts";
import { Sealer } from "./seal.ts";
import { bind } from "./services/bind.ts";
import { createEnvironment, type NewEnvironment } from "./services/environment-service.ts";
import { localUserService } from "./services/local-user-service.ts";
import { PageTokens, pageTokenKeyUse } from "./store/page-tokens.ts";
import { openSqliteStore } from "./store/sqlite/open-sqlite-store.ts";

export interface PlaneOptions {
  readonly databasePath: string;
  readonly keyPath: string;
  readonly engineCalls: EngineCalls;
  readonly now: () => number;
  readonly version: string;
  /** How big the machine of an environment is that has its own. */
  readonly dedicatedSize?: () => DedicatedSize;
  /** Who commits in new environments whose spec does not say it. */
  readonly gitIdentity?: () => Promise<{ readonly name: string; readonly email: string }>;
}

/** The management plane as a library: the public API on an embedded database, for the one person at this computer. */
export interface Plane extends PlaneApi {
  readonly environmentStore: EnvironmentStore;
  /** For the host's own services, e.g. an environment from a folder. */
  createEnvironment(request: NewEnvironment, signal: AbortSignal): Promise<Environment>;
  /** What an environment can run on here. */
  classes(): Promise<readonly EnvironmentClass[]>;
  /** The class of environments that share a machine. */
  readonly sharedClassId: string;
  /** The class of environments that have a machine of their own. */
  readonly dedicatedClassId: string;
  /** Whether its class gives an environment a machine of its own; one that is unknown has none. */
  isDedicated(id: string): boolean;
  exists(id: string): boolean;
  /** What people call an environment; its id where it is unknown. */
  nameOf(id: string): string;
  updateEnvironment(id: string, change: (draft: Environment) => void): Promise<Environment>;
  close(): Promise<void>;
}

/** Opens the plane. Fails with `store-corrupt` or `store-too-new`. */
export async function createPlane(options: PlaneOptions): Promise<Plane> {
  const { databasePath, keyPath, now, engineCalls, version, gitIdentity = async () => ({ name: "", email: "" }) } = options;
  const sealer = await Sealer.open(keyPath);
  const tokens = new PageTokens(sealer.deriveKey(pageTokenKeyUse));
  const store = openSqliteStore({ path: databasePath, tokens, now });
  const identity = await loadLocalIdentity(store, now);
  const scope = scopeOfCaller(store, identity.caller);
  const known = await KnownEnvironments.load(store, scope.store);
  const records = new EnvironmentRecords(scope.store, now);
  const fleet = localFleet(identity, {
    engineCalls,
    version,
    ...(options.dedicatedSize === undefined ? {} : { dedicatedSize: options.dedicatedSize }),
  });
  const unbuilt = [AccountService, EnvironmentAutomationService, GatewayService, GroupService, OrganizationService, PrebuildService];
  const others = [ProjectService, RunnerInteractionService, ServiceAccountService, EnvironmentOpsService];
  const api = assemblePlane({
    store,
    tokens,
    sealer,
    fleet,
    authenticate: async () => identity.caller,
    admit: () => undefined,
    tellFault: messageOf,
    now,
    gitIdentity,
    services: [bind(UserService, localUserService(identity)), ...[...unbuilt, ...others].map((s) => bind<DescService>(s, {}))],
  });
  return {
    ...api,
    environmentStore: environmentStore({ store, organization: scope.store, known, records, sealer, now }),
    createEnvironment: async (request, signal) => createEnvironment({ fleet, gitIdentity, now }, scope, request, signal),
    classes: async () => fleet.classes(identity.organizationId),
    sharedClassId: identity.classId,
    dedicatedClassId: identity.dedicatedClassId,
    isDedicated: (id) => isDedicatedClass(identity, known.find(id)?.spec),
    exists: (id) => known.find(id) !== undefined,
    nameOf: (id) => known.find(id)?.metadata?.name ?? id,
    updateEnvironment: async (id, change) => records.update(id, change),
    close: async () => store.close(),
  };
}
