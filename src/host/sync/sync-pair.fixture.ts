import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { SyncSide } from "../../lib/sync/entries.ts";
import { FolderSide } from "../../lib/sync/folder-side.ts";
import { SyncBase } from "./sync-base.ts";
import { type RoundResult, syncRound } from "./sync-round.ts";

export const maxRounds = 8;
const signal = new AbortController().signal;
const atMs = Date.UTC(2026, 10, 27, 0, 30, 0);

export class Pair {
  readonly folder = mkdtempSync(join(tmpdir(), "berth-sync-"));
  readonly local = join(this.folder, "local");
  readonly remote = join(this.folder, "remote");
  #sides: { readonly local: FolderSide; readonly remote: FolderSide; readonly base: SyncBase } | undefined;

  constructor() {
    mkdirSync(this.local);
    mkdirSync(this.remote);
  }

  end(): void {
    this.forget();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** As a new process would: everything is read from the files again. */
  forget(): void {
    this.#sides?.local.close();
    this.#sides?.remote.close();
    this.#sides = undefined;
  }

  async sides() {
    const open = async (name: "local" | "remote") =>
      FolderSide.open({ root: this[name], subfolder: "", ignorePatterns: ["*.log"], stateFolder: this.stateOf(name), now: () => atMs });
    return (this.#sides ??= {
      local: await open("local"),
      remote: await open("remote"),
      base: await SyncBase.open(join(this.folder, "base.json")),
    });
  }

  stateOf(name: "local" | "remote"): string {
    return join(this.folder, `state-${name}`);
  }

  async round(
    options: {
      readonly acceptDeletes?: boolean;
      readonly acceptConflicts?: boolean;
      readonly wrap?: (side: SyncSide) => SyncSide;
      readonly foldsNames?: boolean;
    } = {},
  ): Promise<RoundResult> {
    const { local, remote, base } = await this.sides();
    const wrap = options.wrap ?? ((side) => side);
    return syncRound({
      local: wrap(local),
      remote: wrap(remote),
      base,
      foldsNames: options.foldsNames ?? false,
      acceptDeletes: options.acceptDeletes ?? false,
      acceptConflicts: options.acceptConflicts ?? false,
      inDoubt: false,
      onUse: () => undefined,
      now: () => atMs,
      signal,
    });
  }

  /** Rounds until nothing is left to do; gives the last one. */
  async settle(options: Parameters<Pair["round"]>[0] = {}): Promise<RoundResult> {
    for (let n = 0; n < maxRounds; n++) {
      const result = await this.round(options);
      if (!result.again) return result;
    }
    throw new Error(`it goes on after ${maxRounds} rounds`);
  }
}

export type Tree = Readonly<Record<string, string>>;

export function write(folder: string, tree: Tree): void {
  for (const [path, content] of Object.entries(tree)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

/** Files by their content, links by "-> target", empty folders by "/". */
export function read(folder: string, below = ""): Record<string, string> {
  const tree: Record<string, string> = {};
  for (const name of readdirSync(join(folder, below)).sort()) {
    const path = join(below, name);
    const stats = lstatSync(join(folder, path));
    if (stats.isDirectory()) Object.assign(tree, readdirSync(join(folder, path)).length === 0 ? { [path]: "/" } : read(folder, path));
    else tree[path] = stats.isSymbolicLink() ? `-> ${readlinkSync(join(folder, path))}` : readFileSync(join(folder, path), "utf8");
  }
  return tree;
}
