import type { Change, ChangePart, Entry, Outcome, Seen, SkipReason } from "./entries.ts";

// The messages of berth.v1.AgentService as both ends of the link have them; what comes from the other end is checked
// where it is used.

export interface FileMessage {
  readonly size: bigint;
  readonly sha256: Uint8Array;
  readonly executable: boolean;
}

export interface EntryMessage {
  readonly path: string;
  readonly stamp: string;
  readonly entry:
    | { readonly case: "folder"; readonly value: boolean }
    | { readonly case: "file"; readonly value: FileMessage }
    | { readonly case: "link"; readonly value: string };
}

export interface ChangeMessage {
  readonly path: string;
  readonly expectedStamp: string;
  readonly change:
    | { readonly case: "makeFolder" | "remove"; readonly value: boolean }
    | { readonly case: "write"; readonly value: FileMessage }
    | { readonly case: "link" | "moveTo"; readonly value: string };
}

type Unset = { readonly case: undefined; readonly value?: undefined };

const reasons: readonly string[] = [
  "name",
  "name-clash",
  "link",
  "special",
  "too-large",
  "too-deep",
  "unreadable",
  "changing",
] satisfies SkipReason[];

/** Numbers of ChangeOutcome.Result. */
const results = { done: 1, changed: 2, "not-empty": 3, failed: 4 } as const;
const noSpaceResult = 5;

export function entryMessage(path: string, { entry, stamp }: Seen): EntryMessage {
  if (entry.kind === "folder") return { path, stamp, entry: { case: "folder", value: true } };
  if (entry.kind === "link") return { path, stamp, entry: { case: "link", value: entry.target } };
  return { path, stamp, entry: { case: "file", value: fileMessage(entry) } };
}

export function seenOf({ stamp, entry }: { readonly stamp: string; readonly entry: EntryMessage["entry"] | Unset }): Seen | undefined {
  switch (entry.case) {
    case "folder":
      return { stamp, entry: { kind: "folder" } };
    case "link":
      return { stamp, entry: { kind: "link", target: entry.value } };
    case "file":
      return { stamp, entry: fileOf(entry.value) };
    default:
      return undefined;
  }
}

export function isSkipReason(reason: string): reason is SkipReason {
  return reasons.includes(reason);
}

export function changeMessage(change: Change): ChangeMessage {
  const common = { path: change.path, expectedStamp: change.expected ?? "" };
  switch (change.op) {
    case "make-folder":
      return { ...common, change: { case: "makeFolder", value: true } };
    case "write":
      return { ...common, change: { case: "write", value: fileMessage(change.entry) } };
    case "link":
      return { ...common, change: { case: "link", value: change.target } };
    case "remove":
      return { ...common, change: { case: "remove", value: true } };
    case "move":
      return { ...common, change: { case: "moveTo", value: change.to } };
  }
}

/** Undefined when it asks for nothing that makes sense. */
export function changePartOf(message: {
  readonly path: string;
  readonly expectedStamp: string;
  readonly change: ChangeMessage["change"] | Unset;
}): ChangePart | undefined {
  const { path, expectedStamp, change } = message;
  const expected = expectedStamp === "" ? undefined : expectedStamp;
  if (change.case === "write") return { kind: "change", change: { op: "write", path, entry: fileOf(change.value), expected } };
  if (change.case === "link") return { kind: "change", change: { op: "link", path, target: change.value, expected } };
  if (change.case === "makeFolder") return { kind: "change", change: { op: "make-folder", path, expected: undefined } };
  if (expected === undefined) return undefined;
  if (change.case === "remove") return { kind: "change", change: { op: "remove", path, expected } };
  return change.case === "moveTo" ? { kind: "change", change: { op: "move", path, to: change.value, expected } } : undefined;
}

export function outcomeMessage(outcome: Outcome): { readonly result: number; readonly message: string } {
  if (outcome.result !== "failed") return { result: results[outcome.result], message: "" };
  return { result: outcome.noSpace ? noSpaceResult : results.failed, message: outcome.message };
}

export function outcomeOf({ result, message }: { readonly result: number; readonly message: string }): Outcome {
  if (result === results.done) return { result: "done" };
  if (result === results.changed) return { result: "changed" };
  if (result === results["not-empty"]) return { result: "not-empty" };
  return { result: "failed", message, noSpace: result === noSpaceResult };
}

function fileMessage({ size, hash, executable }: Entry & { readonly kind: "file" }): FileMessage {
  return { size: BigInt(size), sha256: new Uint8Array(Buffer.from(hash, "hex")), executable };
}

function fileOf({ size, sha256, executable }: FileMessage): Entry & { readonly kind: "file" } {
  return { kind: "file", size: Number(size), hash: Buffer.from(sha256).toString("hex"), executable };
}
