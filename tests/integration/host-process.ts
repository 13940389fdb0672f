import { fromBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HostService, WorkspaceService } from "../../src/contract/gen/berth/v1/host_pb.js";
import { TerminalService } from "../../src/contract/gen/berth/v1/terminal_pb.js";
import { EnvironmentPhase, EnvironmentSchema, EnvironmentService } from "../../src/contract/gen/gitpod/v1/environment_pb.js";
import { berthPaths } from "../../src/lib/paths.ts";
import { waitUntil } from "../../src/lib/wait-until.ts";

const startLimitMs = 20_000;
const pollMs = 20;

/** A host process on a home of its own with the simulated driver, and clients of it. */
export class HostProcess {
  readonly folder = mkdtempSync(join(tmpdir(), "berth-host-"));
  readonly #child: ChildProcess;
  readonly #paths;
  readonly environments;
  readonly workspaces;
  readonly host;
  readonly terminals;

  constructor() {
    const env = {
      ...process.env,
      BERTH_HOME: join(this.folder, "home"),
      BERTH_SSH_CONFIG: join(this.folder, "ssh-config"),
      BERTH_DRIVER: "simulated",
    };
    this.#paths = berthPaths(env);
    const main = join(import.meta.dirname, "../../src/host/main.ts");
    this.#child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main], { env, stdio: ["ignore", "ignore", "inherit"] });
    const transport = createConnectTransport({
      baseUrl: "http://berth",
      httpVersion: "2",
      nodeOptions: { createConnection: () => connect(this.#paths.apiSocket) },
    });
    this.environments = createClient(EnvironmentService, transport);
    this.workspaces = createClient(WorkspaceService, transport);
    this.host = createClient(HostService, transport);
    this.terminals = createClient(TerminalService, transport);
  }

  async ready(): Promise<void> {
    const up = await waitUntil(() => existsSync(this.#paths.apiSocket), {
      intervalMs: pollMs,
      signal: AbortSignal.timeout(startLimitMs),
    });
    if (!up) throw new Error("the host did not start");
  }

  async end(): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#child.once("close", () => resolve()));
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill("SIGKILL");
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  async createRunning(name: string, sentinel = "app"): Promise<string> {
    const { environment } = await this.environments.createEnvironment({
      name,
      spec: {
        desiredPhase: EnvironmentPhase.RUNNING,
        content: { initializer: { specs: [{ spec: { case: "contextUrl", value: { url: `https://simulated.test/${sentinel}.git` } } }] } },
      },
    });
    const id = environment?.id ?? "";
    await this.whenPhase(id, EnvironmentPhase.RUNNING);
    return id;
  }

  /** Waits by watching, as clients do. */
  async whenPhase(id: string, phase: EnvironmentPhase): Promise<void> {
    for await (const { event } of this.workspaces.watch({}, { signal: AbortSignal.timeout(startLimitMs) })) {
      const all = event.case === "snapshot" ? event.value.environments : event.case === "environment" ? [event.value] : [];
      const environments = all.map(({ environment }) => fromBinary(EnvironmentSchema, environment));
      if (environments.some((e) => e.id === id && e.status?.phase === phase)) return;
    }
  }
}
