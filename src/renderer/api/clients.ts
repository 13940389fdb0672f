import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { ContextService } from "../../contract/gen/berth/v1/context_pb.js";
import { HostService, WorkspaceService } from "../../contract/gen/berth/v1/host_pb.js";
import { RemoteAccessService } from "../../contract/gen/berth/v1/remote_access_pb.js";
import { SettingsService } from "../../contract/gen/berth/v1/settings_pb.js";
import { SupportService } from "../../contract/gen/berth/v1/support_pb.js";
import { SharedFolderService } from "../../contract/gen/berth/v1/shared_folder_pb.js";
import { SyncService } from "../../contract/gen/berth/v1/sync_pb.js";
import { EditorService } from "../../contract/gen/gitpod/v1/editor_pb.js";
import { EnvironmentService } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { ProjectService } from "../../contract/gen/gitpod/v1/project_pb.js";
import { RunnerConfigurationService } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerService } from "../../contract/gen/gitpod/v1/runner_pb.js";
import { TerminalService } from "../../contract/gen/berth/v1/terminal_pb.js";
import { SecretService } from "../../contract/gen/gitpod/v1/secret_pb.js";
import { sessionHeaders } from "./session.ts";

/** Clients of the API of this page's own origin: the host behind the app's window, or the one on loopback. */
export interface Clients {
  readonly environments: Client<typeof EnvironmentService>;
  readonly workspaces: Client<typeof WorkspaceService>;
  readonly host: Client<typeof HostService>;
  readonly editors: Client<typeof EditorService>;
  readonly runners: Client<typeof RunnerService>;
  readonly runnerConfiguration: Client<typeof RunnerConfigurationService>;
  readonly projects: Client<typeof ProjectService>;
  readonly secrets: Client<typeof SecretService>;
  readonly terminals: Client<typeof TerminalService>;
  readonly settings: Client<typeof SettingsService>;
  readonly support: Client<typeof SupportService>;
  readonly syncs: Client<typeof SyncService>;
  readonly contexts: Client<typeof ContextService>;
  readonly remoteAccess: Client<typeof RemoteAccessService>;
  readonly sharedFolders: Client<typeof SharedFolderService>;
}

export function createClients(window: Window): Clients {
  const withSession: Interceptor = (next) => async (request) => {
    for (const [name, value] of Object.entries(sessionHeaders(window.localStorage))) request.header.set(name, value);
    return next(request);
  };
  const transport = createConnectTransport({ baseUrl: window.location.origin, useBinaryFormat: true, interceptors: [withSession] });
  return {
    environments: createClient(EnvironmentService, transport),
    workspaces: createClient(WorkspaceService, transport),
    host: createClient(HostService, transport),
    editors: createClient(EditorService, transport),
    runners: createClient(RunnerService, transport),
    runnerConfiguration: createClient(RunnerConfigurationService, transport),
    projects: createClient(ProjectService, transport),
    secrets: createClient(SecretService, transport),
    terminals: createClient(TerminalService, transport),
    settings: createClient(SettingsService, transport),
    support: createClient(SupportService, transport),
    syncs: createClient(SyncService, transport),
    contexts: createClient(ContextService, transport),
    remoteAccess: createClient(RemoteAccessService, transport),
    sharedFolders: createClient(SharedFolderService, transport),
  };
}
