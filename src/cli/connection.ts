import { createClient, type Client, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { BerthError } from "../contract/berth-error.ts";
import { HostService, WorkspaceService } from "../contract/gen/berth/v1/host_pb.js";
import { EditorService } from "../contract/gen/gitpod/v1/editor_pb.js";
import { EnvironmentService } from "../contract/gen/gitpod/v1/environment_pb.js";
import { berthPaths, type BerthPaths } from "../lib/paths.ts";
import { programArguments } from "../lib/programs.ts";
import { waitUntil } from "../lib/wait-until.ts";

const hostStartTimeoutMs = 30_000;
const pollMs = 100;
/** A host that finds another one at work ends with this. */
const hostRunningExitCode = 5;

export interface HostClients {
  readonly paths: BerthPaths;
  readonly environments: Client<typeof EnvironmentService>;
  readonly workspaces: Client<typeof WorkspaceService>;
  readonly editors: Client<typeof EditorService>;
  readonly host: Client<typeof HostService>;
}

/** A transport to the host on its socket. */
export function hostTransport(paths: BerthPaths): Transport {
  return createConnectTransport({
    baseUrl: "http://berth",
    httpVersion: "2",
    nodeOptions: { createConnection: () => connect(paths.apiSocket) },
  });
}

/** Clients of the host's API; starts a host in the background when none runs. */
export async function connectHost(options: { readonly start: boolean }): Promise<HostClients> {
  const paths = berthPaths(process.env);
  if (!(await answers(paths.apiSocket))) {
    if (!options.start) throw new BerthError("host-not-running", `nothing answers on ${paths.apiSocket}`);
    await startHost(paths);
  }
  const transport = hostTransport(paths);
  return {
    paths,
    environments: createClient(EnvironmentService, transport),
    workspaces: createClient(WorkspaceService, transport),
    editors: createClient(EditorService, transport),
    host: createClient(HostService, transport),
  };
}

async function startHost(paths: BerthPaths): Promise<void> {
  mkdirSync(paths.logs, { recursive: true, mode: 0o700 });
  const log = openSync(join(paths.logs, "host-start.log"), "a", 0o600);
  const child = spawn(process.execPath, [...programArguments("host")], { detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  // Another one that starts at the same time wins or loses; the one that wins answers.
  const failed = (): boolean => child.exitCode !== null && child.exitCode !== hostRunningExitCode;
  const ended = await waitUntil(async () => failed() || (await answers(paths.apiSocket)), {
    intervalMs: pollMs,
    signal: AbortSignal.timeout(hostStartTimeoutMs),
  });
  if (!ended || failed()) throw new BerthError("host-not-running", `it did not start; see ${join(paths.logs, "host-start.log")}`);
  child.unref();
}

async function answers(socketPath: string): Promise<boolean> {
  const socket = connect(socketPath);
  const alive = await new Promise<boolean>((resolve) => socket.once("connect", () => resolve(true)).once("error", () => resolve(false)));
  socket.destroy();
  return alive;
}
