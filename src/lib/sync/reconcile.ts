import { type Change, type Entry, parentOf, type Scan, sameEntry, type Seen } from "./entries.ts";

export type SideName = "local" | "remote";

/** One change of one side, and what both agree on when it is done. */
export interface Action {
  readonly side: SideName;
  readonly change: Change;
  /** The other side's file that is written. */
  readonly source: Seen | undefined;
}

export interface SyncPlan {
  /** In the order to do them in: what is put aside, then what comes, then what goes. */
  readonly actions: readonly Action[];
  /** What both sides have, or both no longer have, without anything to do. */
  readonly agreed: readonly { readonly path: string; readonly entry: Entry | undefined }[];
}

export interface ReconcileInput {
  /** What both sides had when they agreed last. */
  readonly base: ReadonlyMap<string, Entry>;
  readonly local: Scan;
  readonly remote: Scan;
  /** Where the local version of a path goes when both were changed. */
  readonly conflictPath: (path: string) => string;
}

/**
 * What makes both sides the same. Who changed something wins over who did not, and over who deleted it. Where both
 * changed, the remote version keeps the name and the local one is put aside; what follows from that, and from one kind
 * taking another's place, is found by the next call.
 */
export function reconcile(input: ReconcileInput): SyncPlan {
  return new Reconciler(input).plan();
}

/** What becomes of a path: `held` is left as it is because something about it is not known. */
type Fate = "stays" | "gone" | "held";

const order: Readonly<Record<Change["op"], number>> = { move: 0, "make-folder": 1, link: 2, write: 2, remove: 3 };

class Reconciler {
  readonly #input: ReconcileInput;
  readonly #children = new Map<string, string[]>();
  readonly #actions: Action[] = [];
  readonly #agreed: { path: string; entry: Entry | undefined }[] = [];

  constructor(input: ReconcileInput) {
    this.#input = input;
    const { base, local, remote } = input;
    const paths = new Set([
      ...base.keys(),
      ...local.entries.keys(),
      ...remote.entries.keys(),
      ...local.skipped.keys(),
      ...remote.skipped.keys(),
    ]);
    for (const path of [...paths].sort()) {
      const siblings = this.#children.get(parentOf(path));
      if (siblings === undefined) this.#children.set(parentOf(path), [path]);
      else siblings.push(path);
    }
  }

  plan(): SyncPlan {
    this.#visit("");
    // Folders come before what is in them and go after it; the rest keeps the order of the paths.
    const depth = (path: string): number => path.split("/").length;
    const actions = this.#actions.toSorted((a, b) => {
      const byKind = order[a.change.op] - order[b.change.op];
      if (byKind !== 0) return byKind;
      const byDepth = depth(a.change.path) - depth(b.change.path);
      return a.change.op === "remove" ? -byDepth : byDepth;
    });
    return { actions, agreed: this.#agreed };
  }

  #visit(folder: string): Fate[] {
    return (this.#children.get(folder) ?? []).map((path) => this.#decide(path));
  }

  #decide(path: string): Fate {
    const { base, local, remote } = this.#input;
    if (local.skipped.has(path) || remote.skipped.has(path)) return "held";
    const l = local.entries.get(path);
    const r = remote.entries.get(path);
    if (l?.entry.kind === "folder" && r?.entry.kind === "folder") return this.#bothFolders(path);
    if (l?.entry.kind === "folder") return r === undefined ? this.#loneFolder(path, "local", l) : this.#folderAndOther(path, "local", l, r);
    if (r?.entry.kind === "folder")
      return l === undefined ? this.#loneFolder(path, "remote", r) : this.#folderAndOther(path, "remote", r, l);
    // Neither is a folder: what the base has below is gone on both sides.
    this.#visit(path);
    return this.#others(path, l, r, base.get(path));
  }

  /** Files and links, or nothing, on both sides. */
  #others(path: string, l: Seen | undefined, r: Seen | undefined, b: Entry | undefined): Fate {
    if (sameEntry(l?.entry, r?.entry)) {
      this.#agree(path, l?.entry);
      return l === undefined ? "gone" : "stays";
    }
    if (r === undefined && l !== undefined)
      return sameEntry(l.entry, b) ? this.#remove(path, "local", l) : this.#copy(path, "remote", l, r);
    if (l === undefined && r !== undefined)
      return sameEntry(r.entry, b) ? this.#remove(path, "remote", r) : this.#copy(path, "local", r, l);
    if (l === undefined || r === undefined) return "gone";
    if (sameEntry(r.entry, b)) return this.#copy(path, "remote", l, r);
    // Nothing is lost where only the permission differs.
    const sameContent = l.entry.kind === "file" && r.entry.kind === "file" && l.entry.hash === r.entry.hash;
    if (sameEntry(l.entry, b) || sameContent) return this.#copy(path, "local", r, l);
    return this.#putAside(path, l);
  }

  #bothFolders(path: string): Fate {
    this.#agree(path, { kind: "folder" });
    this.#visit(path);
    return "stays";
  }

  /** The other side has nothing there. A folder that was deleted there goes, unless something in it stays. */
  #loneFolder(path: string, side: SideName, seen: Seen): Fate {
    const fates = this.#visit(path);
    const wasAgreed = this.#input.base.get(path)?.kind === "folder";
    if (wasAgreed && !fates.includes("stays")) return fates.includes("held") ? "held" : this.#remove(path, side, seen);
    this.#actions.push({ side: otherSide(side), change: { op: "make-folder", path, expected: undefined }, source: undefined });
    return "stays";
  }

  /** A folder on one side, a file or link on the other. */
  #folderAndOther(path: string, folderSide: SideName, folder: Seen, other: Seen): Fate {
    const { base, local } = this.#input;
    if (sameEntry(other.entry, base.get(path))) return this.#remove(path, otherSide(folderSide), other, "stays");
    if (base.get(path)?.kind === "folder" && !this.#isChangedBelow(path, folderSide)) {
      this.#removeBelow(path, folderSide);
      return this.#remove(path, folderSide, folder, "stays");
    }
    const mine = local.entries.get(path);
    return mine === undefined ? "held" : this.#putAside(path, mine);
  }

  /** Something in a folder is not as both had it. What was deleted in it does not count. */
  #isChangedBelow(folder: string, side: SideName): boolean {
    const { base, local, remote } = this.#input;
    const scan = side === "local" ? local : remote;
    return (this.#children.get(folder) ?? []).some((path) => {
      if (scan.skipped.has(path)) return true;
      const seen = scan.entries.get(path);
      return seen !== undefined && (!sameEntry(seen.entry, base.get(path)) || this.#isChangedBelow(path, side));
    });
  }

  #removeBelow(folder: string, side: SideName): void {
    const scan = this.#input[side];
    for (const path of this.#children.get(folder) ?? []) {
      const seen = scan.entries.get(path);
      if (seen === undefined) continue;
      this.#removeBelow(path, side);
      this.#remove(path, side, seen);
    }
  }

  #agree(path: string, entry: Entry | undefined): void {
    if (!sameEntry(entry, this.#input.base.get(path))) this.#agreed.push({ path, entry });
  }

  #copy(path: string, to: SideName, source: Seen, target: Seen | undefined): Fate {
    const { entry } = source;
    const expected = target?.stamp;
    if (entry.kind === "file") this.#actions.push({ side: to, change: { op: "write", path, entry, expected }, source });
    else if (entry.kind === "link") this.#actions.push({ side: to, change: { op: "link", path, target: entry.target, expected }, source });
    return "stays";
  }

  #remove(path: string, side: SideName, seen: Seen, fate: Fate = "gone"): Fate {
    this.#actions.push({ side, change: { op: "remove", path, expected: seen.stamp }, source: undefined });
    return fate;
  }

  #putAside(path: string, seen: Seen): Fate {
    this.#actions.push({
      side: "local",
      change: { op: "move", path, to: this.#input.conflictPath(path), expected: seen.stamp },
      source: undefined,
    });
    return "stays";
  }
}

function otherSide(side: SideName): SideName {
  return side === "local" ? "remote" : "local";
}

/** What both sides agree on at a path once an action is done; a move leaves the path open. */
export function agreedAfter({ change, source }: Action): { readonly path: string; readonly entry: Entry | undefined } | undefined {
  if (change.op === "move") return undefined;
  if (change.op === "make-folder") return { path: change.path, entry: { kind: "folder" } };
  return { path: change.path, entry: change.op === "remove" ? undefined : source?.entry };
}
