import { readdirSync, readFileSync } from "node:fs";
import { chmod, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { syncFolder, writeFileAtomically } from "../lib/atomic-file.ts";
import { startCommandsSchema } from "./devcontainer/lifecycle.ts";

const forwardPortSchema = z.object({
  host: z.string(),
  port: z.number(),
  label: z.string(),
  onAutoForward: z.string(),
  protocol: z.string(),
  requireLocalPort: z.boolean(),
  alwaysForward: z.boolean(),
});

/** What is remembered of a dev container beside what dockerd knows. */
const devcontainerStateSchema = z.object({
  session: z.string(),
  configPath: z.string(),
  configHash: z.string(),
  generated: z.boolean(),
  recovery: z.boolean(),
  failureCode: z.string(),
  failureMessage: z.string(),
  warningMessage: z.string(),
  remoteUser: z.string(),
  remoteWorkspaceFolder: z.string(),
  remoteEnv: z.record(z.string(), z.string()),
  forwardPorts: z.array(forwardPortSchema),
  /** Proxies were given to its container when it was made, or to one before it. */
  proxied: z.boolean().default(false),
  containerId: z.string().default(""),
  dotfilesRepository: z.string().default(""),
  /** Known where a stopped container can be started without the devcontainer CLI. */
  startCommands: startCommandsSchema.optional(),
});

const environmentStateSchema = z.object({
  directoryName: z.string(),
  devcontainer: devcontainerStateSchema.optional(),
});

export type ForwardPortState = z.infer<typeof forwardPortSchema>;
export type DevcontainerState = z.infer<typeof devcontainerStateSchema>;
export type EnvironmentState = z.infer<typeof environmentStateSchema>;

const environmentIdPattern = /^[0-9a-f-]{36}$/;
/** What is being removed has this before its id, so that nothing of a half-removed environment is taken for one. */
const removedPrefix = ".removed-";
const directoryNamePattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/;

/** The folders and state files of the environments on the data disk. */
export class EnvironmentStates {
  readonly #folder: string;
  readonly #runFolder: string;
  readonly #states = new Map<string, EnvironmentState>();

  constructor(options: { readonly dataFolder: string; readonly runFolder: string }) {
    this.#folder = join(options.dataFolder, "env");
    this.#runFolder = options.runFolder;
  }

  get folder(): string {
    return this.#folder;
  }

  /** Reads what is on the disk, makes the volatile folders that containers mount, and goes on with interrupted removals. */
  async load(): Promise<void> {
    const names = readNames(this.#folder);
    for (const name of names.filter((n) => n.startsWith(removedPrefix)))
      void rm(join(this.#folder, name), { recursive: true, force: true }).catch(() => undefined);
    for (const id of names.filter((n) => environmentIdPattern.test(n))) {
      const state = readState(join(this.#folder, id, "state.json"));
      if (state === undefined) continue;
      this.#states.set(id, state);
      await this.makeRunFolder(id);
    }
  }

  ids(): string[] {
    return [...this.#states.keys()];
  }

  get(id: string): EnvironmentState | undefined {
    return this.#states.get(id);
  }

  /** The folder of an environment; its id is checked here, once for all users of it. */
  folderOf(id: string): string {
    if (!environmentIdPattern.test(id)) throw new Error("an environment's id is a UUID");
    return join(this.#folder, id);
  }

  /** Where the working copy is or will be. */
  workingCopy(id: string): string {
    return join(this.folderOf(id), "repo", this.#states.get(id)?.directoryName ?? "workspace");
  }

  /** A folder in the container too, as /run/berth. Anybody may write there, as in /tmp. */
  runFolderOf(id: string): string {
    return join(this.#runFolder, "env", id);
  }

  async makeRunFolder(id: string): Promise<void> {
    await mkdir(this.runFolderOf(id), { recursive: true, mode: 0o1777 });
    await chmod(this.runFolderOf(id), 0o1777);
  }

  /** Makes an environment known under a directory name, unless it is already. */
  async begin(id: string, directoryName: string): Promise<void> {
    if (this.#states.has(id)) return;
    if (!directoryNamePattern.test(directoryName)) throw new Error("a directory name has letters, digits and . _ - only");
    await mkdir(join(this.folderOf(id), "repo"), { recursive: true });
    await this.makeRunFolder(id);
    await this.#save(id, { directoryName });
  }

  async setDevcontainer(id: string, devcontainer: DevcontainerState): Promise<void> {
    const state = this.#states.get(id);
    if (state === undefined) throw new Error("the environment is not known");
    await this.#save(id, { ...state, devcontainer });
  }

  /** Removes the working copy and everything else of an environment: at once for all who look, then from the disk. */
  async remove(id: string): Promise<void> {
    const removed = join(this.#folder, `${removedPrefix}${id}`);
    await rm(removed, { recursive: true, force: true });
    await rename(this.folderOf(id), removed).catch((error: unknown) => {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    });
    await syncFolder(this.#folder);
    this.#states.delete(id);
    await rm(removed, { recursive: true, force: true });
    await rm(this.runFolderOf(id), { recursive: true, force: true });
  }

  async #save(id: string, state: EnvironmentState): Promise<void> {
    await writeFileAtomically(join(this.folderOf(id), "state.json"), JSON.stringify(state));
    this.#states.set(id, state);
  }
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readState(path: string): EnvironmentState | undefined {
  try {
    const parsed = environmentStateSchema.safeParse(JSON.parse(readFileSync(path, "utf8")));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
