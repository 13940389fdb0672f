import type { DescService } from "@bufbuild/protobuf";
import type { ConnectRouter, Interceptor, ServiceImpl } from "@connectrpc/connect";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { EngineCalls, EnvironmentStore } from "../contract/engine-port.ts";
import { AccountService } from "../contract/gen/gitpod/v1/account_pb.js";
import { EditorService } from "../contract/gen/gitpod/v1/editor_pb.js";
import { EnvironmentAutomationService } from "../contract/gen/gitpod/v1/environment_automation_pb.js";
import { type Environment, EnvironmentService } from "../contract/gen/gitpod/v1/environment_pb.js";
import { EventService } from "../contract/gen/gitpod/v1/event_pb.js";
import { GatewayService } from "../contract/gen/gitpod/v1/gateway_pb.js";
import { GroupService } from "../contract/gen/gitpod/v1/group_pb.js";
import { IdentityService } from "../contract/gen/gitpod/v1/identity_pb.js";
import { OrganizationService } from "../contract/gen/gitpod/v1/organization_pb.js";
import { PrebuildService } from "../contract/gen/gitpod/v1/prebuild_pb.js";
import { ProjectService } from "../contract/gen/gitpod/v1/project_pb.js";
import {
  type EnvironmentClass,
  HostAuthenticationTokenSchema,
  RunnerConfigurationService,
} from "../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerInteractionService } from "../contract/gen/gitpod/v1/runner_interaction_pb.js";
import { RunnerService } from "../contract/gen/gitpod/v1/runner_pb.js";
import { SecretSchema, SecretService } from "../contract/gen/gitpod/v1/secret_pb.js";
import { ServiceAccountService } from "../contract/gen/gitpod/v1/service_account_pb.js";
import { UsageService } from "../contract/gen/gitpod/v1/usage_pb.js";
import { UserService } from "../contract/gen/gitpod/v1/user_pb.js";
import { EnvironmentOpsService } from "../contract/gen/supervisor/v1/environmentopts_pb.js";
import { openDatabase } from "./database.ts";
import { EnvironmentRecords } from "./environment-records.ts";
import { environmentStore } from "./environment-store.ts";
import { PlaneEvents } from "./events.ts";
import { paginationFromQuery, refuseUnbuilt, translateErrors, validateRequests } from "./interceptors.ts";
import { serveJsonlEvents } from "./jsonl.ts";
import { type DedicatedSize, isDedicatedClass, loadLocalIdentity, localClasses } from "./local-identity.ts";
import { ResourceStore } from "./resource-store.ts";
import { Sealer } from "./seal.ts";
import { editorService } from "./services/editor-service.ts";
import { createEnvironment, environmentService, type NewEnvironment } from "./services/environment-service.ts";
import { watchEvents } from "./services/event-service.ts";
import { runnerConfigurationService } from "./services/runner-configuration-service.ts";
import { runnerService } from "./services/runner-service.ts";
import { secretService } from "./services/secret-service.ts";
import { userService } from "./services/user-service.ts";

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

/** The management plane as a library: the public API on an embedded database. */
export interface Plane {
  readonly environmentStore: EnvironmentStore;
  readonly interceptors: Interceptor[];
  readonly events: PlaneEvents;
  /** Registers the services; methods that are not built answer `unimplemented`. */
  routes(router: ConnectRouter): void;
  serveJsonl(request: IncomingMessage, response: ServerResponse): boolean;
  /** For the host's own services, e.g. an environment from a folder. */
  createEnvironment(request: NewEnvironment, signal: AbortSignal): Promise<Environment>;
  /** The class of environments that have a machine of their own. */
  readonly dedicatedClassId: string;
  /** Whether its class gives an environment a machine of its own; one that is unknown has none. */
  isDedicated(id: string): boolean;
  /** What people call an environment; its id where it is unknown. */
  nameOf(id: string): string;
  updateEnvironment(id: string, change: (draft: Environment) => void): Environment;
  close(): void;
}

interface BoundService {
  readonly register: (router: ConnectRouter) => void;
  /** `package.Service/Method` of each method that is not built. */
  readonly unbuilt: readonly string[];
}

function bind<Service extends DescService>(service: Service, methods: Partial<ServiceImpl<Service>>): BoundService {
  return {
    register: (router) => router.service(service, methods),
    unbuilt: service.methods.filter((m) => !Object.hasOwn(methods, m.localName)).map((m) => `${service.typeName}/${m.name}`),
  };
}

/** Opens the plane. Fails with `store-corrupt` or `store-too-new`. */
export async function createPlane(options: PlaneOptions): Promise<Plane> {
  const { databasePath, keyPath, now, engineCalls, version, gitIdentity = async () => ({ name: "", email: "" }) } = options;
  const database = openDatabase(databasePath);
  const sealer = await Sealer.open(keyPath);
  const identity = loadLocalIdentity(database, now);
  const events = new PlaneEvents();
  const records = new EnvironmentRecords({ database, events, now });
  const secrets = new ResourceStore(database, "secret", SecretSchema);
  const tokens = new ResourceStore(database, "host-token", HostAuthenticationTokenSchema);
  const classes = (): EnvironmentClass[] => localClasses(identity, options.dedicatedSize?.());
  const dependencies = { records, engineCalls, identity, classes, gitIdentity, now };
  const watch = watchEvents(events, records);
  const services = [
    bind(EnvironmentService, environmentService(dependencies)),
    bind(EventService, { watchEvents: (request, context) => watch(request, context.signal) }),
    bind(EditorService, editorService(records)),
    bind(RunnerService, runnerService({ identity, engineCalls, version })),
    bind(RunnerConfigurationService, runnerConfigurationService({ identity, classes, tokens, sealer, now })),
    bind(SecretService, secretService({ identity, secrets, sealer, now })),
    bind(UserService, userService(identity)),
    bind(IdentityService, {
      getAuthenticatedIdentity: () => ({ subject: identity.subject, organizationId: identity.organizationId }),
    }),
    ...[AccountService, EnvironmentAutomationService, GatewayService, GroupService, OrganizationService, PrebuildService].map((s) =>
      bind<DescService>(s, {}),
    ),
    ...[ProjectService, RunnerInteractionService, ServiceAccountService, UsageService, EnvironmentOpsService].map((s) =>
      bind<DescService>(s, {}),
    ),
  ];
  const unbuilt = new Set(services.flatMap((service) => service.unbuilt));
  return {
    environmentStore: environmentStore({ records, secrets, tokens, sealer, now }),
    events,
    interceptors: [translateErrors(), refuseUnbuilt(unbuilt), paginationFromQuery(), validateRequests()],
    routes: (router) => {
      for (const service of services) service.register(router);
    },
    serveJsonl: (request, response) => serveJsonlEvents(request, response, watch),
    createEnvironment: async (request, signal) => createEnvironment(dependencies, request, signal),
    dedicatedClassId: identity.dedicatedClassId,
    isDedicated: (id) => isDedicatedClass(identity, records.find(id)?.spec),
    nameOf: (id) => records.find(id)?.metadata?.name ?? id,
    updateEnvironment: (id, change) => records.update(id, change),
    close: () => database.close(),
  };
}
