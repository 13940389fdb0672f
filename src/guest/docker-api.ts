import { request } from "node:http";
import type { Duplex } from "node:stream";
import { z } from "zod";

/** dockerd answers these at once; longer means it is stuck. */
const requestTimeoutMs = 30_000;
/** These go through all of its store. */
const storeTimeoutMs = 10 * 60_000;
const maxAnswerBytes = 32 * 1024 * 1024;

const containerSummarySchema = z.object({
  Id: z.string(),
  Names: z.array(z.string()),
  State: z.string(),
  Image: z.string(),
  Labels: z
    .record(z.string(), z.string())
    .nullable()
    .transform((labels) => labels ?? {}),
});
const containerSchema = z.object({
  Id: z.string(),
  Name: z.string(),
  State: z.object({ Running: z.boolean(), Pid: z.number(), OOMKilled: z.boolean().default(false) }),
  Config: z.object({
    Image: z.string(),
    Env: z
      .array(z.string())
      .nullable()
      .transform((env) => env ?? []),
    Labels: z
      .record(z.string(), z.string())
      .nullable()
      .transform((labels) => labels ?? {}),
  }),
  NetworkSettings: z.object({ Networks: z.record(z.string(), z.object({ IPAddress: z.string() })) }),
  GraphDriver: z.object({ Data: z.object({ MergedDir: z.string().default("") }).nullish() }).optional(),
});
const imageSchema = z.object({
  Config: z
    .object({
      User: z.string().default(""),
      Labels: z
        .record(z.string(), z.string())
        .nullish()
        .transform((labels) => labels ?? {}),
    })
    .default({ User: "", Labels: {} }),
  GraphDriver: z.object({ Data: z.object({ UpperDir: z.string().default(""), LowerDir: z.string().default("") }).nullish() }).optional(),
});
const execStateSchema = z.object({ Running: z.boolean(), ExitCode: z.number().nullable(), Pid: z.number() });

const bytesSchema = z.number().transform((bytes) => Math.max(0, bytes));
const storeSchema = z.object({
  LayersSize: bytesSchema,
  Images: z
    .array(z.object({ Id: z.string(), Size: bytesSchema, SharedSize: bytesSchema }))
    .nullable()
    .transform((images) => images ?? []),
  Containers: z
    .array(
      z.object({
        Id: z.string(),
        ImageID: z.string(),
        SizeRw: bytesSchema.default(0),
        Mounts: z.array(z.object({ Type: z.string(), Name: z.string().default("") })).default([]),
      }),
    )
    .nullable()
    .transform((containers) => containers ?? []),
  Volumes: z
    .array(z.object({ Name: z.string(), UsageData: z.object({ Size: bytesSchema }).nullish() }))
    .nullable()
    .transform((volumes) => volumes ?? []),
  BuildCache: z
    .array(z.object({ Size: bytesSchema, Shared: z.boolean() }))
    .nullable()
    .transform((records) => records ?? []),
});
const prunedSchema = z.object({ SpaceReclaimed: bytesSchema.default(0) });

export type DockerStore = z.infer<typeof storeSchema>;
export type ContainerSummary = z.infer<typeof containerSummarySchema>;
export type Container = z.infer<typeof containerSchema>;
export type Image = z.infer<typeof imageSchema>;

/** The part of dockerd's HTTP API that the agent needs, on its socket. */
export class DockerApi {
  readonly #socketPath: string;
  #version: string | undefined;
  #watches = 0;
  /** Called each time dockerd begins to tell its events. */
  onAnswer: () => void = () => undefined;
  /** Called each time it ceases to. */
  onSilence: () => void = () => undefined;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** dockerd tells its events, which it does as long as it lives. */
  get answers(): boolean {
    return this.#watches > 0;
  }

  /** The engine's version without asking for it, while dockerd lives and has said it once: asking takes a while. */
  get knownVersion(): string | undefined {
    return this.answers ? this.#version : undefined;
  }

  /** The engine's version, or undefined while it does not answer. */
  async version(): Promise<string | undefined> {
    try {
      this.#version = z.object({ Version: z.string() }).parse(await this.#json("GET", "/version")).Version;
      return this.#version;
    } catch {
      return undefined;
    }
  }

  async listContainers(label: string): Promise<ContainerSummary[]> {
    return z
      .array(containerSummarySchema)
      .parse(await this.#json("GET", `/containers/json?all=1&filters=${encodeURIComponent(JSON.stringify({ label: [label] }))}`));
  }

  async inspect(id: string): Promise<Container | undefined> {
    const { status, body } = await this.#send("GET", `/containers/${encodeURIComponent(id)}/json`);
    if (status === 404) return undefined;
    return containerSchema.parse(parseAnswer("inspect", status, body));
  }

  /** Starts a container that is there. Fails when dockerd refuses it. */
  async start(id: string): Promise<void> {
    const { status, body } = await this.#send("POST", `/containers/${encodeURIComponent(id)}/start`);
    // 304: it runs already.
    if (status !== 304) parseAnswer("start", status, body);
  }

  async imageExists(name: string): Promise<boolean> {
    const { status } = await this.#send("GET", `/images/${encodeURIComponent(name)}/json`);
    return status === 200;
  }

  /** An image that is here already; undefined too where the name, which a repository may have made up, is none. */
  async inspectImage(name: string): Promise<Image | undefined> {
    const { status, body } = await this.#send("GET", `/images/${encodeURIComponent(name)}/json`);
    return status === 200 ? imageSchema.parse(JSON.parse(body)) : undefined;
  }

  /** Whether something runs in a container beside its own first process: a terminal, a command, a session of ssh. */
  async hasRunningExec(): Promise<boolean> {
    const running = z.array(z.object({ Id: z.string() })).parse(await this.#json("GET", "/containers/json"));
    for (const { Id } of running) {
      const answer = await this.#json("GET", `/containers/${encodeURIComponent(Id)}/json`);
      const ids = z.object({ ExecIDs: z.array(z.string()).nullable() }).parse(answer).ExecIDs ?? [];
      for (const id of ids) if ((await this.inspectExec(id).catch(() => undefined))?.Running === true) return true;
    }
    return false;
  }

  /** Calls `onEvent` for every container event until the signal aborts or dockerd goes away. */
  async watchEvents(onEvent: () => void, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const filters = encodeURIComponent(
        JSON.stringify({ type: ["container"], event: ["create", "start", "die", "destroy", "rename", "oom"] }),
      );
      const sent = request({ socketPath: this.#socketPath, path: `/events?filters=${filters}`, signal }, (answer) => {
        this.#watches++;
        this.onAnswer();
        onEvent();
        answer.on("data", onEvent);
        answer.on("close", () => {
          this.#watches--;
          this.onSilence();
          resolve();
        });
      });
      sent.on("error", () => resolve());
      sent.end();
    });
  }

  async createExec(
    containerId: string,
    exec: {
      readonly argv: readonly string[];
      readonly env: readonly string[];
      readonly user: string;
      readonly workingDirectory: string;
      readonly tty: boolean;
      /** Of the terminal from its first byte on. */
      readonly size?: { readonly columns: number; readonly rows: number };
    },
  ): Promise<string> {
    const body = {
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: exec.tty,
      Cmd: exec.argv,
      Env: exec.env,
      User: exec.user,
      WorkingDir: exec.workingDirectory,
      ...(exec.size === undefined ? {} : { ConsoleSize: [exec.size.rows, exec.size.columns] }),
    };
    return z.object({ Id: z.string() }).parse(await this.#json("POST", `/containers/${encodeURIComponent(containerId)}/exec`, body)).Id;
  }

  /** Starts an exec and gives its raw stream: plain bytes with a tty, else frames of 8-byte headers. */
  async startExec(execId: string, tty: boolean): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      const body = JSON.stringify({ Detach: false, Tty: tty });
      const sent = request({
        socketPath: this.#socketPath,
        method: "POST",
        path: `/exec/${execId}/start`,
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body), connection: "Upgrade", upgrade: "tcp" },
      });
      sent.once("upgrade", (_answer, socket, head) => {
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
      });
      sent.once("response", (answer) => {
        answer.resume();
        reject(new Error(`dockerd refused the command with ${answer.statusCode}`));
      });
      sent.once("error", reject);
      sent.end(body);
    });
  }

  async resizeExec(execId: string, columns: number, rows: number): Promise<void> {
    await this.#send("POST", `/exec/${execId}/resize?h=${rows}&w=${columns}`);
  }

  async inspectExec(execId: string): Promise<z.infer<typeof execStateSchema>> {
    return execStateSchema.parse(await this.#json("GET", `/exec/${execId}/json`));
  }

  /** What a container wrote beside its volumes. dockerd reads all of it for that. */
  async containerBytes(id: string): Promise<number> {
    const answer = await this.#json("GET", `/containers/${encodeURIComponent(id)}/json?size=true`, undefined, storeTimeoutMs);
    return z.object({ SizeRw: bytesSchema.default(0) }).parse(answer).SizeRw;
  }

  /** Everything dockerd keeps, with sizes. The path names the last version of the API that has them in one list each. */
  async store(): Promise<DockerStore> {
    return storeSchema.parse(await this.#json("GET", "/v1.44/system/df", undefined, storeTimeoutMs));
  }

  /** Removes the build cache and images without a name that nothing uses; gives the bytes that were freed. */
  async prune(): Promise<number> {
    const dangling = encodeURIComponent(JSON.stringify({ dangling: ["true"] }));
    let freedBytes = 0;
    // Images first: what they were made of is then no longer in use.
    for (const path of [`/images/prune?filters=${dangling}`, "/build/prune?all=true"])
      freedBytes += prunedSchema.parse(await this.#json("POST", path, undefined, storeTimeoutMs)).SpaceReclaimed;
    return freedBytes;
  }

  async #json(method: string, path: string, body?: unknown, timeoutMs?: number): Promise<unknown> {
    const answer = await this.#send(method, path, body, timeoutMs);
    return parseAnswer(`${method} ${path}`, answer.status, answer.body);
  }

  async #send(method: string, path: string, body?: unknown, timeoutMs = requestTimeoutMs): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const payload = body === undefined ? undefined : JSON.stringify(body);
      const headers = payload === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(payload) };
      const sent = request({ socketPath: this.#socketPath, method, path, headers, timeout: timeoutMs }, (answer) => {
        const chunks: Buffer[] = [];
        let size = 0;
        answer.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > maxAnswerBytes) answer.destroy(new Error("dockerd's answer is too long"));
          chunks.push(chunk);
        });
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
        answer.on("error", reject);
      });
      sent.on("timeout", () => sent.destroy(new Error("dockerd does not answer")));
      sent.on("error", reject);
      sent.end(payload);
    });
  }
}

/** Sends a signal to what an exec runs, when it still does; its pid is one of the machine. */
export async function signalExec(execId: string, signal: NodeJS.Signals, docker: DockerApi): Promise<void> {
  const state = await docker.inspectExec(execId).catch(() => undefined);
  if (state?.Running !== true || state.Pid <= 1) return;
  try {
    process.kill(state.Pid, signal);
  } catch {
    // It ended in between.
  }
}

function parseAnswer(what: string, status: number, body: string): unknown {
  if (status < 200 || status > 299) throw new Error(`dockerd answered ${status} to ${what}: ${body.slice(0, 500)}`);
  return body === "" ? {} : JSON.parse(body);
}
