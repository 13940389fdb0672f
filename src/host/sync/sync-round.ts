import {
  type ChangePart,
  type Entry,
  type Outcome,
  type Scan,
  type SkipReason,
  syncLimits,
  type SyncSide,
  TooManyEntries,
} from "../../lib/sync/entries.ts";
import { conflictPath } from "../../lib/sync/names.ts";
import { nameClashes } from "../../lib/sync/name-clashes.ts";
import { type Action, agreedAfter, reconcile, type SideName, type SyncPlan } from "../../lib/sync/reconcile.ts";
import type { SyncBase } from "./sync-base.ts";

const maxBatchActions = 200;
const maxBatchBytes = 32 * 1024 ** 2;
/** So many files deleted at once, and so large a part of all, are asked about first. */
const manyDeletes = 20;
const largeShare = 0.5;
/** So many new conflicts at once are most often a wrong folder, or another branch. */
const manyConflicts = 20;

/** Why nothing was done, and nothing is until a person says so or it is mended. */
export type Halt = "local-missing" | "remote-missing" | "deletes" | "conflicts" | "too-many" | "no-space";

export interface SyncProblem {
  readonly path: string;
  readonly side: SideName;
  readonly reason: SkipReason;
  readonly detail: string;
}

export interface RoundOptions {
  readonly local: SyncSide;
  readonly remote: SyncSide;
  readonly base: SyncBase;
  /** This computer's file system takes `A` and `a` for the same name. */
  readonly foldsNames: boolean;
  readonly acceptDeletes: boolean;
  readonly acceptConflicts: boolean;
  /** It halted at deletions before; now every one is asked about. */
  readonly inDoubt: boolean;
  /** Called before something of the remote side is changed. */
  readonly onUse: () => void;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

export interface RoundResult {
  readonly halt: { readonly reason: Halt; readonly detail: string } | undefined;
  readonly problems: readonly SyncProblem[];
  /** Something was done or was not as expected, so another round may find more. */
  readonly again: boolean;
  /** Names on this computer, for finding what was put aside. */
  readonly local: Scan | undefined;
}

/** Looks at both sides, decides, and makes them the same as far as nothing speaks against it. */
export async function syncRound(options: RoundOptions): Promise<RoundResult> {
  const { base, signal } = options;
  const looks = await Promise.allSettled([options.local.scan(signal), options.remote.scan(signal)]);
  const failure = looks.find((look) => look.status === "rejected");
  const [local, remote] = looks.map((look) => (look.status === "fulfilled" ? look.value : undefined));
  const halted = (reason: Halt, detail: string): RoundResult => ({ halt: { reason, detail }, problems: [], again: false, local });
  if (failure?.reason instanceof TooManyEntries) return halted("too-many", failure.reason.message);
  if (failure !== undefined) throw failure.reason;
  if (local === undefined) return halted("local-missing", "the folder on this computer is not there");
  if (remote === undefined) return halted("remote-missing", "the folder in the environment is not there");
  const seen = options.foldsNames ? { ...local, skipped: new Map([...nameClashes(local, remote), ...local.skipped]) } : local;
  const isTaken = (path: string): boolean => local.entries.has(path) || remote.entries.has(path);
  const plan = reconcile({
    base: base.entries,
    local: seen,
    remote,
    conflictPath: (path) => conflictPath(path, new Date(options.now()), isTaken),
  });
  const tooMuch = bytesIn(remote) > syncLimits.maxTotalBytes || bytesIn(local) > syncLimits.maxTotalBytes;
  if (tooMuch) return halted("too-many", `the files have more than ${syncLimits.maxTotalBytes / 1024 ** 3} GiB together`);
  const doubt = options.acceptDeletes
    ? undefined
    : (emptied(base.entries, local, remote) ?? massDeletion(base.entries, plan, options.inDoubt));
  if (doubt !== undefined) return halted("deletes", doubt);
  const conflicts = plan.actions.filter(({ change }) => change.op === "move").length;
  if (conflicts > manyConflicts && !options.acceptConflicts)
    return halted("conflicts", `${conflicts} files are not the same on both sides`);
  for (const { path, entry } of plan.agreed) base.set(path, entry);
  const found = [...skippedOf("local", seen), ...skippedOf("remote", remote)];
  return { ...(await carryOut(plan, options, found)), local };
}

async function carryOut(plan: SyncPlan, options: RoundOptions, found: readonly SyncProblem[]): Promise<Omit<RoundResult, "local">> {
  const { base } = options;
  const problems = [...found];
  let again = false;
  try {
    for (const batch of batchesOf(plan.actions)) {
      const side = batch[0]?.side ?? "local";
      if (side === "remote") options.onUse();
      const outcomes = await applyBatch(batch, options);
      for (const [at, action] of batch.entries()) {
        const outcome = outcomes[at] ?? { result: "changed" };
        const agreed = agreedAfter(action);
        if (outcome.result === "done" && agreed !== undefined) base.set(agreed.path, agreed.entry);
        if (outcome.result === "done" || outcome.result === "changed") again = true;
        else problems.push(problemOf(action, outcome));
      }
      if (outcomes.some((outcome) => outcome.result === "failed" && outcome.noSpace))
        return { halt: { reason: "no-space", detail: side === "local" ? "on this computer" : "in the machine" }, problems, again: false };
    }
  } finally {
    await base.save();
  }
  return { halt: undefined, problems, again };
}

async function applyBatch(batch: readonly Action[], options: RoundOptions): Promise<readonly Outcome[]> {
  options.signal.throwIfAborted();
  const [target, source] = batch[0]?.side === "local" ? [options.local, options.remote] : [options.remote, options.local];
  return target.apply(withContents(batch, source, options.signal), options.signal);
}

/** Each change, and behind it the content that the other side has. */
async function* withContents(batch: readonly Action[], source: SyncSide, signal: AbortSignal): AsyncGenerator<ChangePart> {
  const writes = batch.flatMap(({ change, source: seen }, at) =>
    change.op === "write" && seen !== undefined ? [{ at, path: change.path, stamp: seen.stamp }] : [],
  );
  let next = 0;
  const upTo = function* (end: number): Generator<ChangePart> {
    for (const { change } of batch.slice(next, end)) yield { kind: "change", change };
    next = Math.max(next, end);
  };
  if (writes.length > 0) {
    for await (const { index, data } of source.read(writes, signal)) {
      yield* upTo((writes[index]?.at ?? 0) + 1);
      yield { kind: "data", data };
    }
  }
  yield* upTo(batch.length);
}

/** What is put aside comes first, then what is made, then what goes: so content is never in neither place. */
function batchesOf(actions: readonly Action[]): Action[][] {
  const kinds: readonly (readonly string[])[] = [["move"], ["make-folder"], ["write", "link"], ["remove"]];
  return kinds.flatMap((ops) =>
    (["local", "remote"] as const).flatMap((side) => cut(actions.filter((a) => a.side === side && ops.includes(a.change.op)))),
  );
}

function cut(actions: readonly Action[]): Action[][] {
  const batches: Action[][] = [];
  let bytes = 0;
  for (const action of actions) {
    const size = action.change.op === "write" ? action.change.entry.size : 0;
    const last = batches.at(-1);
    if (last === undefined || last.length >= maxBatchActions || bytes + size > maxBatchBytes) {
      batches.push([action]);
      bytes = size;
    } else {
      last.push(action);
      bytes += size;
    }
  }
  return batches;
}

/** An empty folder is more often a disk that is not mounted than a wish. */
function emptied(base: ReadonlyMap<string, Entry>, local: Scan, remote: Scan): string | undefined {
  if (base.size === 0) return undefined;
  const isEmpty = (scan: Scan): boolean => scan.entries.size === 0 && scan.skipped.size === 0;
  if (isEmpty(local)) return "the folder on this computer is empty";
  return isEmpty(remote) ? "the folder in the environment is empty" : undefined;
}

function massDeletion(base: ReadonlyMap<string, Entry>, { actions }: SyncPlan, inDoubt: boolean): string | undefined {
  const all = [...base.values()].filter((entry) => entry.kind !== "folder").length;
  for (const side of ["local", "remote"] as const) {
    const deleted = actions.filter(
      ({ side: of, change }) => of === side && change.op === "remove" && base.get(change.path)?.kind !== "folder",
    );
    const isMuch = deleted.length > manyDeletes && deleted.length > all * largeShare;
    if (!isMuch && !(inDoubt && deleted.length > 0)) continue;
    const where = side === "local" ? "in the environment" : "on this computer";
    return `${deleted.length} of ${all} files were deleted ${where}`;
  }
  return undefined;
}

function skippedOf(side: SideName, scan: Scan): SyncProblem[] {
  return [...scan.skipped].filter(([, reason]) => reason !== "changing").map(([path, reason]) => ({ path, side, reason, detail: "" }));
}

function problemOf({ change, side }: Action, outcome: Outcome): SyncProblem {
  const detail = outcome.result === "failed" ? outcome.message : "";
  return { path: change.path, side, reason: outcome.result === "not-empty" ? "not-empty" : "failed", detail };
}

function bytesIn(scan: Scan): number {
  let bytes = 0;
  for (const { entry } of scan.entries.values()) if (entry.kind === "file") bytes += entry.size;
  return bytes;
}
