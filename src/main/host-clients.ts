import { type Client, createClient } from "@connectrpc/connect";
import { HostService, WorkspaceService } from "../contract/gen/berth/v1/host_pb.js";
import { RemoteAccessService } from "../contract/gen/berth/v1/remote_access_pb.js";
import { EditorService } from "../contract/gen/gitpod/v1/editor_pb.js";
import { EnvironmentService } from "../contract/gen/gitpod/v1/environment_pb.js";
import { HostSessions, hostTransport } from "../lib/host-transport.ts";

/** What the app itself asks of the host. */
export interface HostClients {
  readonly environments: Client<typeof EnvironmentService>;
  readonly workspaces: Client<typeof WorkspaceService>;
  readonly editors: Client<typeof EditorService>;
  readonly host: Client<typeof HostService>;
  readonly remoteAccess: Client<typeof RemoteAccessService>;
}

export function hostClients(socketPath: string): HostClients {
  const transport = hostTransport(new HostSessions(socketPath));
  return {
    environments: createClient(EnvironmentService, transport),
    workspaces: createClient(WorkspaceService, transport),
    editors: createClient(EditorService, transport),
    host: createClient(HostService, transport),
    remoteAccess: createClient(RemoteAccessService, transport),
  };
}
