import { createClient, type Client } from "@connectrpc/connect";
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { BerthError } from "../contract/berth-error.ts";
import { RemoteAccessService } from "../contract/gen/berth/v1/remote_access_pb.js";
import { ContextService } from "../contract/gen/berth/v1/context_pb.js";
import { HostService, WorkspaceService } from "../contract/gen/berth/v1/host_pb.js";
import { SharedFolderService } from "../contract/gen/berth/v1/shared_folder_pb.js";
import { RunnerHostService } from "../contract/gen/berth/v1/runner_pb.js";
import { SyncService } from "../contract/gen/berth/v1/sync_pb.js";
import { EditorService } from "../contract/gen/gitpod/v1/editor_pb.js";
import { EnvironmentService } from "../contract/gen/gitpod/v1/environment_pb.js";
import { berthPaths, type BerthPaths } from "../lib/paths.ts";
import { programArguments } from "../lib/programs.ts";
import { waitUntil } from "../lib/wait-until.ts";
import { HostSessions, hostTransport } from "../lib/host-transport.ts";
import { asError } from "./report.ts";

const hostStartTimeoutMs = 30_000;
/** How long a host that holds the folder may take to answer, once ours has given way to it. */
const otherHostTimeoutMs = 10_000;
const pollMs = 50;
/** A host that finds another one at work ends with this. */
const hostRunningExitCode = 5;

export interface HostClients {
  readonly paths: BerthPaths;
  readonly environments: Client<typeof EnvironmentService>;
  readonly workspaces: Client<typeof WorkspaceService>;
  readonly editors: Client<typeof EditorService>;
  readonly host: Client<typeof HostService>;
  /** Answers where the host is a headless runner. */
  readonly runner: Client<typeof RunnerHostService>;
  readonly syncs: Client<typeof SyncService>;
  readonly contexts: Client<typeof ContextService>;
  readonly remoteAccess: Client<typeof RemoteAccessService>;
  readonly sharedFolders: Client<typeof SharedFolderService>;
}

/** Clients of the host's API; starts a host in the background when none runs. Fails with what kept it from starting. */
export async function connectHost(options?: { readonly signal?: AbortSignal }): Promise<HostClients> {
  const paths = berthPaths(process.env);
  if (!(await answers(paths.apiSocket))) await startHost(paths, options?.signal);
  return clientsOf(paths);
}

/** The same for a host that runs already; undefined when none does. */
export async function findHost(): Promise<HostClients | undefined> {
  const paths = berthPaths(process.env);
  return (await answers(paths.apiSocket)) ? clientsOf(paths) : undefined;
}

function clientsOf(paths: BerthPaths): HostClients {
  const transport = hostTransport(new HostSessions(paths.apiSocket));
  return {
    paths,
    environments: createClient(EnvironmentService, transport),
    workspaces: createClient(WorkspaceService, transport),
    editors: createClient(EditorService, transport),
    host: createClient(HostService, transport),
    runner: createClient(RunnerHostService, transport),
    syncs: createClient(SyncService, transport),
    contexts: createClient(ContextService, transport),
    remoteAccess: createClient(RemoteAccessService, transport),
    sharedFolders: createClient(SharedFolderService, transport),
  };
}

async function startHost(paths: BerthPaths, signal: AbortSignal | undefined): Promise<void> {
  mkdirSync(paths.logs, { recursive: true, mode: 0o700 });
  const logPath = join(paths.logs, "host-start.log");
  const log = openSync(logPath, "a", 0o600);
  const logOffset = fstatSync(log).size;
  const child = spawn(process.execPath, [...programArguments("host")], { detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  const timeout = AbortSignal.timeout(hostStartTimeoutMs);
  const isReady = async (): Promise<boolean> => answers(paths.apiSocket);
  const ended = await waitUntil(async () => child.exitCode !== null || (await isReady()), {
    intervalMs: pollMs,
    signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
  });
  signal?.throwIfAborted();
  if (!ended) throw new BerthError("host-not-running", `it did not answer within ${hostStartTimeoutMs / 1000} s; see ${logPath}`);
  if (child.exitCode !== null && !(await isReady())) await failedStart({ child, paths, logPath, logOffset });
  child.unref();
}

/** Another host that started at the same time answers soon; anything else is a failure with a reason. */
async function failedStart({
  child,
  paths,
  logPath,
  logOffset,
}: {
  readonly child: ChildProcess;
  readonly paths: BerthPaths;
  readonly logPath: string;
  readonly logOffset: number;
}): Promise<void> {
  if (child.exitCode === hostRunningExitCode) {
    const signal = AbortSignal.timeout(otherHostTimeoutMs);
    if (await waitUntil(async () => answers(paths.apiSocket), { intervalMs: pollMs, signal })) return;
    throw new BerthError("host-running", `another host holds ${paths.home} and does not answer; berth doctor tells which`);
  }
  const said = readFileSync(logPath).subarray(logOffset).toString().split("\n");
  // A fault is followed by where it happened.
  const reason = said.findLast((line) => line !== "" && !/^(\s|Node\.js |})/.test(line)) ?? `it ended with code ${child.exitCode}`;
  const error = asError(reason);
  throw error.code === "internal" ? new BerthError("host-not-running", `it did not start: ${reason}; see ${logPath}`) : error;
}

async function answers(socketPath: string): Promise<boolean> {
  const socket = connect(socketPath);
  const alive = await new Promise<boolean>((resolve) => socket.once("connect", () => resolve(true)).once("error", () => resolve(false)));
  socket.destroy();
  return alive;
}
