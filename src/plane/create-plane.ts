import { create } from "@bufbuild/protobuf";
import type { ConnectRouter, Interceptor } from "@connectrpc/connect";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { EngineCalls, EnvironmentStore, OpenSecret } from "../contract/engine-port.ts";
import { EditorService } from "../contract/gen/gitpod/v1/editor_pb.js";
import { EnvironmentAutomationService } from "../contract/gen/gitpod/v1/environment_automation_pb.js";
import { EnvironmentService } from "../contract/gen/gitpod/v1/environment_pb.js";
import { EventService } from "../contract/gen/gitpod/v1/event_pb.js";
import { IdentityService } from "../contract/gen/gitpod/v1/identity_pb.js";
import { ProjectService } from "../contract/gen/gitpod/v1/project_pb.js";
import { HostAuthenticationTokenSchema, RunnerConfigurationService } from "../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerService } from "../contract/gen/gitpod/v1/runner_pb.js";
import { type Secret, SecretSchema, SecretService } from "../contract/gen/gitpod/v1/secret_pb.js";
import { UserSchema, UserService, UserStatus } from "../contract/gen/gitpod/v1/user_pb.js";
import { EnvironmentOpsService } from "../contract/gen/supervisor/v1/environmentopts_pb.js";
import { openDatabase } from "./database.ts";
import { EnvironmentRecords } from "./environment-records.ts";
import { PlaneEvents } from "./events.ts";
import { paginationFromQuery, translateErrors, validateRequests } from "./interceptors.ts";
import { serveJsonlEvents } from "./jsonl.ts";
import { loadLocalIdentity } from "./local-identity.ts";
import { ResourceStore } from "./resource-store.ts";
import { Sealer } from "./seal.ts";
import { editorService } from "./services/editor-service.ts";
import { createEnvironment, environmentService, type NewEnvironment } from "./services/environment-service.ts";
import { runnerConfigurationService, runnerService } from "./services/runner-services.ts";
import { secretService } from "./services/secret-service.ts";
import type { Environment } from "../contract/gen/gitpod/v1/environment_pb.js";

export interface PlaneOptions {
  readonly databasePath: string;
  readonly keyPath: string;
  readonly engineCalls: EngineCalls;
  readonly now: () => number;
  readonly version: string;
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
  updateEnvironment(id: string, change: (draft: Environment) => void): Environment;
  close(): void;
}

/** Opens the plane. Fails with `store-corrupt` or `store-too-new`. */
export async function createPlane(options: PlaneOptions): Promise<Plane> {
  const { now, engineCalls, version } = options;
  const database = openDatabase(options.databasePath);
  const sealer = await Sealer.open(options.keyPath);
  const identity = loadLocalIdentity(database, now);
  const events = new PlaneEvents();
  const records = new EnvironmentRecords({ database, events, now });
  const secrets = new ResourceStore(database, "secret", SecretSchema);
  const tokens = new ResourceStore(database, "host-token", HostAuthenticationTokenSchema);
  const gitIdentity = options.gitIdentity ?? (async () => ({ name: "", email: "" }));
  const dependencies = { records, engineCalls, identity, gitIdentity, now };
  const openSecrets = (): OpenSecret[] => secrets.list().flatMap((secret) => openSecret(secret, secrets.sealed(secret.id), sealer));
  const environmentStore: EnvironmentStore = {
    list: async () => records.list(),
    get: async (id) => records.find(id),
    writeStatus: async (id, status) => records.writeStatus(id, status),
    remove: async (id) => records.remove(id),
    onSpecChange: (listener) => records.onSpecChange(listener),
    openSecrets: async () => openSecrets(),
    openHostCredential: async (_principalId, host) => {
      const token = tokens.list().findLast((t) => t.host === host.toLowerCase());
      const sealed = token === undefined ? undefined : tokens.sealed(token.id);
      return token === undefined || sealed === undefined
        ? undefined
        : { username: "oauth2", password: sealer.open(sealed, `host-token/${token.id}`) };
    },
  };
  return {
    environmentStore,
    events,
    interceptors: [translateErrors(), paginationFromQuery(), validateRequests()],
    routes: (router) => {
      router.service(EnvironmentService, environmentService(dependencies));
      router.service(EnvironmentAutomationService, {});
      router.service(EventService, { watchEvents: (request, context) => events.watch(request, context.signal) });
      router.service(EditorService, editorService(records));
      router.service(RunnerService, runnerService({ identity, engineCalls, version }));
      router.service(RunnerConfigurationService, runnerConfigurationService({ identity, tokens, sealer, now }));
      router.service(ProjectService, {});
      router.service(SecretService, secretService({ identity, secrets, sealer, now }));
      router.service(UserService, {
        getAuthenticatedUser: () => ({
          user: create(UserSchema, {
            id: identity.userId,
            organizationId: identity.organizationId,
            name: "You",
            status: UserStatus.ACTIVE,
          }),
        }),
      });
      router.service(IdentityService, {
        getAuthenticatedIdentity: () => ({ subject: identity.subject, organizationId: identity.organizationId }),
      });
      router.service(EnvironmentOpsService, {});
    },
    serveJsonl: (request, response) => serveJsonlEvents(request, response, events),
    createEnvironment: async (request, signal) => createEnvironment(dependencies, request, signal),
    updateEnvironment: (id, change) => records.update(id, change),
    close: () => database.close(),
  };
}

function openSecret(secret: Secret, sealed: Uint8Array | undefined, sealer: Sealer): OpenSecret[] {
  if (sealed === undefined) return [];
  const value = sealer.open(sealed, `secret/${secret.id}`);
  switch (secret.mount.case) {
    case "environmentVariable":
      return [{ name: secret.name, value, mount: { kind: "environmentVariable", name: secret.name } }];
    case "filePath":
      return [{ name: secret.name, value, mount: { kind: "file", path: secret.mount.value } }];
    case "containerRegistryBasicAuthHost":
      return [{ name: secret.name, value, mount: { kind: "registryCredential", host: secret.mount.value } }];
    case "apiOnly":
    case undefined:
      return [{ name: secret.name, value, mount: { kind: "apiOnly" } }];
  }
}
