import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "@playwright/test";
import { createClient } from "@connectrpc/connect";
import { z } from "zod";
import { HostService } from "../../../src/contract/gen/berth/v1/host_pb.js";
import { type Environment, EnvironmentPhase, EnvironmentService } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { HostSessions, hostTransport } from "../../../src/lib/host-transport.ts";
import { berthPaths } from "../../../src/lib/paths.ts";
import { waitUntil } from "../../../src/lib/wait-until.ts";
import type { ControlCommand } from "../../electron-standin/control.ts";
import { electronBinary, launchElectron } from "./real-electron.ts";

const standin = join(import.meta.dirname, "../../electron-standin/run.ts");
const appFolder = join(import.meta.dirname, "../../../.cache/desktop");
const limitMs = 30_000;
const pollMs = 50;

type MenuShape = string | { label: string; items: MenuShape[] };
const menuSchema: z.ZodType<MenuShape> = z.lazy(() => z.union([z.string(), z.object({ label: z.string(), items: z.array(menuSchema) })]));

const boundsSchema = z.object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() });
const stateSchema = z.object({
  endpoint: z.string(),
  origin: z.string(),
  menu: z.array(menuSchema),
  tray: z.array(menuSchema),
  external: z.array(z.string()),
  notifications: z.array(z.object({ title: z.string(), body: z.string() })),
  dialogs: z.array(z.object({ kind: z.string(), options: z.unknown() })),
  shortcuts: z.array(z.string()),
  badge: z.number(),
  theme: z.string(),
  windows: z.array(z.object({ visible: z.boolean(), focused: z.boolean(), maximized: z.boolean(), bounds: boundsSchema, url: z.string() })),
});

export type DesktopView = z.infer<typeof stateSchema>;

/** How the app is run and reached: by the stand-in, or by Electron where its binary is. */
export interface Runner {
  readonly exited: Promise<number | null>;
  command(command: ControlCommand): Promise<unknown>;
  page(): Promise<Page>;
  kill(): void;
}

/** A folder in which the app keeps everything, through as many starts as a test needs. */
export class DesktopHome {
  readonly folder = mkdtempSync(join(tmpdir(), "bs-"));
  readonly env: NodeJS.ProcessEnv;
  readonly #apps: DesktopApp[] = [];

  constructor(env: NodeJS.ProcessEnv = {}) {
    this.env = {
      ...process.env,
      BERTH_HOME: join(this.folder, "home"),
      BERTH_SSH_CONFIG: join(this.folder, "ssh_config"),
      BERTH_DRIVER: "simulated",
      XDG_CONFIG_HOME: join(this.folder, "config"),
      ...env,
    };
  }

  async launch(...args: string[]): Promise<DesktopApp> {
    const app = new DesktopApp(this.start(args), this.env);
    this.#apps.push(app);
    return app;
  }

  /** Starts the program and leaves it to itself, as a second click on its icon does. */
  start(args: string[]): Runner {
    return electronBinary === undefined ? launchStandin(this.env, args) : launchElectron({ appFolder, env: this.env, args });
  }

  async end(): Promise<void> {
    for (const app of this.#apps) await app.end();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The running app as a test sees it. */
export class DesktopApp {
  readonly runner: Runner;
  readonly environments;
  readonly host;

  constructor(runner: Runner, env: NodeJS.ProcessEnv) {
    this.runner = runner;
    const { apiSocket } = berthPaths(env);
    const transport = hostTransport(new HostSessions(apiSocket));
    this.environments = createClient(EnvironmentService, transport);
    this.host = createClient(HostService, transport);
  }

  async page(): Promise<Page> {
    return this.runner.page();
  }

  async view(): Promise<DesktopView> {
    return stateSchema.parse(await this.runner.command({ kind: "state" }));
  }

  async command(command: ControlCommand): Promise<unknown> {
    return this.runner.command(command);
  }

  async click(menu: "application" | "tray", ...path: string[]): Promise<void> {
    await this.command({ kind: "click", menu, path });
  }

  /** Waits until what is seen of the app fulfils a condition. */
  async when(condition: (view: DesktopView) => boolean): Promise<DesktopView> {
    let last = await this.view();
    const held = await waitUntil(
      async () => {
        last = await this.view();
        return condition(last);
      },
      { intervalMs: pollMs, signal: AbortSignal.timeout(limitMs) },
    );
    if (!held) throw new Error(`it did not become so: ${JSON.stringify(last, null, 1)}`);
    return last;
  }

  async create(sentinel: string): Promise<string> {
    const { environment } = await this.environments.createEnvironment({
      spec: {
        desiredPhase: EnvironmentPhase.RUNNING,
        content: { initializer: { specs: [{ spec: { case: "contextUrl", value: { url: `https://simulated.test/${sentinel}.git` } } }] } },
      },
    });
    return environment?.id ?? "";
  }

  async list(): Promise<Environment[]> {
    return (await this.environments.listEnvironments({})).environments;
  }

  async whenPhase(id: string, phase: EnvironmentPhase): Promise<void> {
    const held = await waitUntil(
      async () => (await this.list().catch(() => [])).some((environment) => environment.id === id && environment.status?.phase === phase),
      { intervalMs: pollMs, signal: AbortSignal.timeout(limitMs) },
    );
    if (!held)
      throw new Error(
        `the environment did not become ${EnvironmentPhase[phase]}: ${JSON.stringify((await this.list())[0]?.status?.phase)}`,
      );
  }

  async hostPid(): Promise<number> {
    let pid = 0;
    await waitUntil(
      async () => {
        pid = (await this.host.getHost({}).catch(() => ({ pid: 0 }))).pid;
        return pid !== 0;
      },
      { intervalMs: pollMs, signal: AbortSignal.timeout(limitMs) },
    );
    return pid;
  }

  async end(): Promise<void> {
    this.runner.kill();
    await this.runner.exited;
  }
}

function launchStandin(env: NodeJS.ProcessEnv, args: string[]): Runner {
  const child = fork(standin, [appFolder, ...args], {
    env,
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  let browser: Browser | undefined;
  const command = controlOf(child);
  return {
    command,
    exited: new Promise((resolve) => child.once("exit", resolve)),
    page: async () => {
      const { endpoint, origin } = stateSchema.parse(await command({ kind: "state" }));
      browser ??= await chromium.connectOverCDP(endpoint);
      let page: Page | undefined;
      const found = await waitUntil(
        () =>
          (page = browser
            ?.contexts()[0]
            ?.pages()
            .find((each) => each.url().startsWith(`${origin}/`))) !== undefined,
        { intervalMs: pollMs, signal: AbortSignal.timeout(limitMs) },
      );
      if (!found || page === undefined) throw new Error("no window opened");
      return page;
    },
    kill: () => child.kill("SIGTERM"),
  };
}

const replySchema = z.object({ id: z.number(), value: z.unknown().optional(), error: z.string().optional() });

function controlOf(child: ChildProcess): Runner["command"] {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let next = 1;
  child.on("message", (message) => {
    const { id, value, error } = replySchema.parse(message);
    if (error === undefined) waiting.get(id)?.resolve(value);
    else waiting.get(id)?.reject(new Error(error));
  });
  child.once("exit", () => {
    for (const { reject } of waiting.values()) reject(new Error("the app ended"));
  });
  return async (command) => {
    const id = next++;
    const reply = Promise.withResolvers<unknown>();
    waiting.set(id, reply);
    child.send({ id, command });
    return reply.promise;
  };
}
