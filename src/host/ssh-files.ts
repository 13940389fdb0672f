import { chmodSync, existsSync, mkdirSync, realpathSync } from "node:fs";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeFileAtomically } from "../lib/atomic-file.ts";
import { type Log, messageOf } from "../lib/log.ts";
import type { BerthPaths } from "../lib/paths.ts";
import { ensureSshKey, sshKeyPath } from "./ssh-keys.ts";

const includeComment = "# Berth: ssh NAME.berth";
const newConfigMode = 0o600;

/** An environment as ssh knows it. */
export interface SshEnvironment {
  readonly id: string;
  readonly alias: string;
  /** Empty while its machine has not told it. */
  readonly hostPublicKey: string;
  /** Where it is another computer's, reached through a context: key and host key are in the folder from its first use on. */
  readonly remote?: { readonly contextId: string; readonly folder: string };
}

export interface SshFilesOptions {
  readonly paths: Pick<BerthPaths, "home" | "sshFolder" | "sshConfig" | "knownHosts">;
  /** The person's own configuration. */
  readonly userConfig: string;
  /** The program behind ProxyCommand: Node and the script. */
  readonly proxy: readonly [string, ...string[]];
  readonly environments: () => Promise<readonly SshEnvironment[]>;
  readonly log: Log;
}

/** Keeps what ssh must know of every environment, and names it at the top of the person's own configuration. */
export class SshFiles {
  readonly #options: SshFilesOptions;
  #turn: Promise<void> = Promise.resolve();
  #queued = false;
  #written = "";
  #warning = "";

  constructor(options: SshFilesOptions) {
    this.#options = options;
  }

  /** Why the person's own configuration does not name ours; empty when it does. */
  get warning(): string {
    return this.#warning;
  }

  /** What ssh is to know. */
  async environments(): Promise<readonly SshEnvironment[]> {
    return this.#options.environments();
  }

  /** Writes what changed since the last time. A failure is logged: environments run without it. */
  async write(): Promise<void> {
    if (this.#queued) return this.#turn;
    this.#queued = true;
    this.#turn = this.#turn.then(async () => {
      this.#queued = false;
      try {
        await this.#write();
      } catch (error) {
        this.#options.log.warn("the ssh configuration was not written", { reason: messageOf(error) });
      }
    });
    return this.#turn;
  }

  async #write(): Promise<void> {
    const { paths, environments } = this.#options;
    mkdirSync(paths.sshFolder, { recursive: true, mode: 0o700 });
    const all = await environments();
    const wanted = JSON.stringify(all);
    if (wanted === this.#written && this.#warning === "") return;
    const blocks = await Promise.all(all.map(async (environment) => this.#block(environment)));
    await writeIfChanged(paths.knownHosts, await this.#knownHosts(all.filter(({ remote }) => remote === undefined)));
    await writeIfChanged(paths.sshConfig, blocks.map((block) => `${block}\n`).join("\n"));
    await this.#removeOldKeys();
    try {
      await includeIn(this.#options.userConfig, paths.sshConfig);
      this.#warning = "";
    } catch (error) {
      const warning = `${this.#options.userConfig} could not be changed: ${messageOf(error)}`;
      if (warning !== this.#warning) this.#options.log.warn("ssh does not find environments by their names", { reason: warning });
      this.#warning = warning;
    }
    this.#written = wanted;
  }

  /** Each block is whole by itself: in two homes' files, ssh takes of a common block what it reads first. */
  async #block({ id, alias, remote }: SshEnvironment): Promise<string> {
    const { paths, proxy } = this.#options;
    const key = remote === undefined ? (await ensureSshKey(paths.sshFolder, id)).path : sshKeyPath(remote.folder, id);
    const knownHosts = remote === undefined ? paths.knownHosts : join(remote.folder, "known_hosts");
    const target = remote === undefined ? [id] : [id, remote.contextId];
    const command = ["env", `BERTH_HOME=${paths.home}`, ...proxy, ...target]
      .map((word) => shellQuote(word).replaceAll("%", "%%"))
      .join(" ");
    return [
      `Host ${alias}`,
      "  User berth",
      `  HostKeyAlias ${id}`,
      `  IdentityFile ${quote(key)}`,
      "  IdentitiesOnly yes",
      `  ProxyCommand ${command}`,
      "  StrictHostKeyChecking yes",
      `  UserKnownHostsFile ${quote(knownHosts)}`,
      "  GlobalKnownHostsFile /dev/null",
      "  LogLevel ERROR",
    ].join("\n");
  }

  /** A host key of an environment that is off now stays known. */
  async #knownHosts(all: readonly SshEnvironment[]): Promise<string> {
    const before = new Map(
      (await readFile(this.#options.paths.knownHosts, "utf8").catch(() => ""))
        .split("\n")
        .map((line) => [line.split(" ")[0] ?? "", line] as const),
    );
    const lines = all.flatMap(({ id, hostPublicKey }) => (hostPublicKey === "" ? (before.get(id) ?? []) : [`${id} ${hostPublicKey}`]));
    return lines.map((line) => `${line}\n`).join("");
  }

  /** The folder is read first: whoever has a key in it was known before, and so is still known or gone. */
  async #removeOldKeys(): Promise<void> {
    const folder = join(this.#options.paths.sshFolder, "keys");
    const names = (await readdir(folder).catch(() => [])).filter((name) => !name.startsWith("."));
    const ids = new Set((await this.#options.environments()).map((e) => e.id));
    for (const name of names) if (!ids.has(name.replace(/\.pub$/, ""))) await rm(join(folder, name), { force: true });
  }
}

async function writeIfChanged(path: string, text: string): Promise<void> {
  if ((await readFile(path, "utf8").catch(() => undefined)) !== text) await writeFileAtomically(path, text);
}

/** Puts our Include before all else, unless it is there; an Include below a Host line holds for that host only. */
export async function includeIn(userConfig: string, ourConfig: string): Promise<void> {
  const line = `Include ${quote(ourConfig)}`;
  // The file a link leads to is changed, not the link: people keep their configuration elsewhere.
  const path = existsSync(userConfig) ? realpathSync(userConfig) : userConfig;
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  if (isIncluded(text, line)) return;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const known = await stat(path).catch(() => undefined);
  if (known !== undefined && (known.mode & 0o200) === 0) throw new Error("it is read-only");
  const rest = text
    .split(/\r?\n/)
    .filter((l) => l.trim() !== line)
    .join("\n");
  await writeFileAtomically(
    path,
    rest === "" ? `${includeComment}\n${line}\n` : `${includeComment}\n${line}\n\n${rest.replace(/^\n+/, "")}`,
    newConfigMode,
  );
  if (known !== undefined) chmodSync(path, known.mode & 0o777);
}

function isIncluded(text: string, line: string): boolean {
  const lines = text.split(/\r?\n/).map((l) => l.trim());
  const firstBlock = lines.findIndex((l) => /^(host|match)\b/i.test(l));
  const at = lines.indexOf(line);
  return at !== -1 && (firstBlock === -1 || at < firstBlock);
}

/** ssh_config(5) takes double quotes; % begins a token in paths. */
function quote(text: string): string {
  return `"${text.replaceAll("%", "%%")}"`;
}

/** ProxyCommand is a line for the person's shell. */
function shellQuote(word: string): string {
  return /^[A-Za-z0-9_/.=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
