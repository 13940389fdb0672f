import { existsSync, rmSync, statSync } from "node:fs";
import { BerthError } from "../../contract/berth-error.ts";
import { findProgram } from "../../lib/find-program.ts";
import { messageOf } from "../../lib/log.ts";
import { identifyProcess } from "../../lib/process-identity.ts";
import { waitUntil } from "../../lib/wait-until.ts";
import { childFailure, endProcess, lastWords, spawnDetached } from "../child-process.ts";
import type { SharedFolder } from "../driver.ts";
import type { ServedFolder } from "./arguments.ts";
import type { MachineFolder } from "./machine-folder.ts";

const startTimeoutMs = 10_000;
const pollMs = 5;
/** Where distributions put it, which is on nobody's PATH. */
const programFolders: readonly string[] = ["/usr/libexec", "/usr/lib/virtiofsd", "/usr/lib/qemu", "/usr/local/libexec", "/usr/bin"];
/** The user of the machine that working copies belong to; see the image. */
const guestUserId = 1000;
/** All there are but the last, which means nobody. */
const allIds = 2 ** 32 - 1;

/** The program that shares folders with QEMU's machines; undefined where there is none. */
export function findVirtiofsd(env: NodeJS.ProcessEnv): string | undefined {
  if (process.platform !== "linux") return undefined;
  const named = env["BERTH_VIRTIOFSD"];
  return named === undefined || named === "" ? findProgram("virtiofsd", env["PATH"], programFolders) : named;
}

/** Why folders cannot be shared on this computer; undefined where they can. */
export function virtiofsdRefusal(env: NodeJS.ProcessEnv): BerthError | undefined {
  if (process.platform !== "linux") return new BerthError("folder-sharing-unavailable", "QEMU shares folders on Linux only");
  return findVirtiofsd(env) === undefined ? new BerthError("folder-sharing-unavailable", "virtiofsd was not found") : undefined;
}

/**
 * virtiofsd's arguments (virtiofsd 1.11 or newer): it sees that folder and nothing else, and does all in the name of
 * the person who runs this machine, whoever asks for it inside; the person's own files look like the work user's there.
 */
export function virtiofsdArguments(folder: ServedFolder, ids: { readonly uid: number; readonly gid: number }): string[] {
  return [
    `--shared-dir=${folder.hostPath}`,
    `--socket-path=${folder.socketPath}`,
    "--sandbox=namespace",
    "--seccomp=kill",
    "--cache=auto",
    "--no-announce-submounts",
    "--rlimit-nofile=0",
    `--translate-uid=squash-guest:0:${ids.uid}:${allIds}`,
    `--translate-uid=host:${ids.uid}:${guestUserId}:1`,
    `--translate-gid=squash-guest:0:${ids.gid}:${allIds}`,
    `--translate-gid=host:${ids.gid}:${guestUserId}:1`,
    // A suspended machine goes on without a file that was deleted meanwhile, which only its users then miss.
    "--migration-mode=find-paths",
    "--migration-on-error=guest-error",
    "--log-level=warn",
    ...(folder.readOnly ? ["--readonly"] : []),
  ];
}

/** The programs that share folders with one machine, one for each. */
export class FolderServers {
  readonly #folder: MachineFolder;
  readonly #env: NodeJS.ProcessEnv;
  /** Why folders were not shared at the last start, by their tags. */
  #refused: ReadonlyMap<string, string> = new Map();

  constructor(folder: MachineFolder, env: NodeJS.ProcessEnv) {
    this.#folder = folder;
    this.#env = env;
  }

  /** Starts those of the folders that are there; the machine is started with these. */
  async start(folders: readonly SharedFolder[], signal: AbortSignal): Promise<readonly ServedFolder[]> {
    const refused = new Map<string, string>();
    const served: ServedFolder[] = [];
    for (const shared of folders) {
      const folder = { ...shared, socketPath: this.#folder.folderSocket(shared.tag) };
      try {
        await this.#serve(folder, signal);
        served.push(folder);
      } catch (error) {
        signal.throwIfAborted();
        refused.set(folder.tag, error instanceof BerthError ? error.detail : messageOf(error));
      }
    }
    this.#refused = refused;
    return served;
  }

  /** Why folders are not to be had in the machine, by their tags; also of programs that an earlier host started. */
  failures(): ReadonlyMap<string, string> {
    const ended = this.#folder.virtiofsdTags().filter((tag) => this.#folder.readProcess(`virtiofsd-${tag}`) === undefined);
    return new Map([...ended.map((tag) => [tag, "the program that shared it has ended; restart the machine"] as const), ...this.#refused]);
  }

  /** Ends all, also those that an earlier host started. */
  async end(): Promise<void> {
    for (const tag of this.#folder.virtiofsdTags()) await this.#end(tag);
  }

  async #end(tag: string): Promise<void> {
    await endProcess(this.#folder.readProcess(`virtiofsd-${tag}`));
    this.#folder.forgetProcess(`virtiofsd-${tag}`);
  }

  async #serve(folder: ServedFolder, signal: AbortSignal): Promise<void> {
    const program = findVirtiofsd(this.#env);
    if (program === undefined) throw new BerthError("folder-sharing-unavailable", "virtiofsd was not found");
    if (statSync(folder.hostPath, { throwIfNoEntry: false })?.isDirectory() !== true)
      throw new BerthError("folder-not-shareable", `${folder.hostPath} is not there`);
    const { socketPath } = folder;
    rmSync(socketPath, { force: true });
    const log = this.#folder.virtiofsdLog(folder.tag);
    const ids = { uid: process.getuid?.() ?? guestUserId, gid: process.getgid?.() ?? guestUserId };
    const child = spawnDetached(program, virtiofsdArguments(folder, ids), log, this.#env);
    const failed = childFailure(child);
    const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
    if (identity !== undefined) await this.#folder.saveProcess(`virtiofsd-${folder.tag}`, identity);
    const ended = (): boolean => failed.error !== undefined || child.exitCode !== null;
    const up = await waitUntil(() => ended() || existsSync(socketPath), {
      intervalMs: pollMs,
      signal: AbortSignal.any([signal, AbortSignal.timeout(startTimeoutMs)]),
    });
    child.unref();
    if (up && !ended()) return;
    await this.#end(folder.tag);
    throw new BerthError("folder-sharing-unavailable", failed.error?.message ?? lastWords(log) ?? "virtiofsd does not answer");
  }
}
