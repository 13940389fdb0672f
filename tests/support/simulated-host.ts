import { type Client, createClient } from "@connectrpc/connect";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ContextService } from "../../src/contract/gen/berth/v1/context_pb.js";
import { HostService, WorkspaceService } from "../../src/contract/gen/berth/v1/host_pb.js";
import { SettingsService } from "../../src/contract/gen/berth/v1/settings_pb.js";
import { SyncService } from "../../src/contract/gen/berth/v1/sync_pb.js";
import { TerminalService } from "../../src/contract/gen/berth/v1/terminal_pb.js";
import { EnvironmentPhase, EnvironmentService } from "../../src/contract/gen/gitpod/v1/environment_pb.js";
import { RunnerConfigurationService } from "../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import { SecretService } from "../../src/contract/gen/gitpod/v1/secret_pb.js";
import { HostSessions, hostTransport } from "../../src/lib/host-transport.ts";
import { berthPaths } from "../../src/lib/paths.ts";
import { waitUntil } from "../../src/lib/wait-until.ts";

const startLimitMs = 30_000;
const phaseLimitMs = 30_000;
const pollMs = 20;

/** A host process on the simulated driver, in a folder of its own: the bundle, as the app and the CLI start it. */
export class SimulatedHost {
  readonly folder = mkdtempSync(join(tmpdir(), "berth-ui-"));
  readonly env: NodeJS.ProcessEnv;
  readonly environments: Client<typeof EnvironmentService>;
  readonly workspaces: Client<typeof WorkspaceService>;
  readonly host: Client<typeof HostService>;
  readonly terminals: Client<typeof TerminalService>;
  readonly settings: Client<typeof SettingsService>;
  readonly syncs: Client<typeof SyncService>;
  readonly contexts: Client<typeof ContextService>;
  readonly secrets: Client<typeof SecretService>;
  readonly runnerConfiguration: Client<typeof RunnerConfigurationService>;
  #process: ChildProcess | undefined;

  constructor(env: NodeJS.ProcessEnv = {}) {
    this.env = {
      ...process.env,
      BERTH_HOME: join(this.folder, "home"),
      BERTH_SSH_CONFIG: join(this.folder, "ssh-config"),
      BERTH_DRIVER: "simulated",
      ...env,
    };
    const transport = hostTransport(new HostSessions(this.socketPath));
    this.environments = createClient(EnvironmentService, transport);
    this.workspaces = createClient(WorkspaceService, transport);
    this.host = createClient(HostService, transport);
    this.terminals = createClient(TerminalService, transport);
    this.settings = createClient(SettingsService, transport);
    this.syncs = createClient(SyncService, transport);
    this.contexts = createClient(ContextService, transport);
    this.secrets = createClient(SecretService, transport);
    this.runnerConfiguration = createClient(RunnerConfigurationService, transport);
  }

  get socketPath(): string {
    return berthPaths(this.env).apiSocket;
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [join(import.meta.dirname, "../../.cache/app/host.mjs")], {
      env: this.env,
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#process = child;
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    // Not the socket's file but a connection: it takes a moment from the one to the other.
    const answers = async (): Promise<boolean> => {
      const socket = connect(this.socketPath);
      const open = await new Promise<boolean>((resolve) => socket.once("connect", () => resolve(true)).once("error", () => resolve(false)));
      socket.destroy();
      return open;
    };
    const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
    const up = await waitUntil(async () => ended() || (await answers()), {
      intervalMs: pollMs,
      signal: AbortSignal.timeout(startLimitMs),
    });
    if (!up || child.exitCode !== null) throw new Error(`the host did not start: ${said}`);
  }

  /** Waits until it was killed, by itself or by somebody else. */
  async whenKilled(): Promise<void> {
    const child = this.#process;
    const killed = await waitUntil(() => child?.signalCode === "SIGKILL", {
      intervalMs: pollMs,
      signal: AbortSignal.timeout(phaseLimitMs),
    });
    if (!killed) throw new Error("the host was not killed");
  }

  /** As `kill -9` does. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
    child.kill("SIGKILL");
    await ended;
    rmSync(this.socketPath, { force: true });
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** An environment of https://simulated.test/SENTINEL.git; src/vm/simulated/sentinels.ts says what becomes of it. */
  async create(sentinel: string, name = sentinel, classId = ""): Promise<string> {
    const { environment } = await this.environments.createEnvironment({
      name,
      spec: {
        desiredPhase: EnvironmentPhase.RUNNING,
        machine: { class: classId },
        content: { initializer: { specs: [{ spec: { case: "contextUrl", value: { url: `https://simulated.test/${sentinel}.git` } } }] } },
      },
    });
    return environment?.id ?? "";
  }

  async whenPhase(id: string, phase: EnvironmentPhase): Promise<void> {
    const seen = await waitUntil(
      async () => (await this.environments.getEnvironment({ environmentId: id })).environment?.status?.phase === phase,
      { intervalMs: pollMs, signal: AbortSignal.timeout(phaseLimitMs) },
    );
    if (!seen) throw new Error(`${id} did not become ${EnvironmentPhase[phase]}`);
  }
}
