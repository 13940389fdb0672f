import fc from "fast-check";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ChangePart, SyncSide } from "../../lib/sync/entries.ts";
import { maxRounds, Pair, read, type Tree, write } from "./sync-pair.fixture.ts";

/** Both sides have this and agree on it. */
async function synced(tree: Tree): Promise<Pair> {
  const pair = new Pair();
  write(pair.local, tree);
  await pair.settle();
  return pair;
}

function meanwhile(happen: (change: ChangePart) => void): (side: SyncSide) => SyncSide {
  return (side) => ({
    scan: async (s) => side.scan(s),
    read: (files, s) => side.read(files, s),
    apply: async (parts, s) =>
      side.apply(
        (async function* () {
          for await (const part of parts) {
            happen(part);
            yield part;
          }
        })(),
        s,
      ),
  });
}

test("what changes between look and deed is left alone and comes with the next round", async () => {
  const pair = await synced({ "a.txt": "a", "b.txt": "b" });
  write(pair.local, { "a.txt": "a from here", "new.txt": "new from here" });
  rmSync(join(pair.local, "b.txt"));
  let happened = false;
  await pair.round({
    wrap: meanwhile(() => {
      if (happened) return;
      happened = true;
      write(pair.remote, { "a.txt": "a from there", "b.txt": "b from there", "new.txt": "new from there" });
    }),
  });
  expect(read(pair.remote)).toEqual({ "a.txt": "a from there", "b.txt": "b from there", "new.txt": "new from there" });
  await pair.settle();
  expect(read(pair.local)).toEqual(read(pair.remote));
  expect(Object.values(read(pair.local)).sort()).toEqual([
    "a from here",
    "a from there",
    "b from there",
    "new from here",
    "new from there",
  ]);
  pair.end();
});

class Killed extends Error {}

/** Ends the process, so to speak, in the middle of the nth part of what is carried out. */
function killedAt(n: number): (side: SyncSide) => SyncSide {
  let left = n;
  return meanwhile(() => {
    if (left-- === 0) throw new Killed();
  });
}

test("a sync that is killed at any moment goes on as if nothing had happened", async () => {
  const expected = { "b.txt": "b2", "big.bin": "x".repeat(600_000), "new/er.txt": "n", "notes.txt": "theirs" };
  for (let at = 0; ; at++) {
    const pair = await synced({ "a.txt": "a", "b.txt": "b", "notes.txt": "first", "old/x.txt": "x" });
    write(pair.local, { "b.txt": "b2", "notes.txt": "mine", "big.bin": "x".repeat(600_000) });
    write(pair.remote, { "notes.txt": "theirs", "new/er.txt": "n" });
    rmSync(join(pair.local, "old"), { recursive: true });
    rmSync(join(pair.remote, "a.txt"));
    let wasKilled = false;
    for (let n = 0; n < maxRounds; n++) {
      try {
        if (!(await pair.round(n === 0 ? { wrap: killedAt(at) } : {})).again) break;
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
        wasKilled = true;
        pair.forget();
      }
    }
    const { "notes.conflict-computer-20261127-003000.txt": mine, ...rest } = read(pair.local);
    expect([at, mine, rest]).toEqual([at, "mine", expected]);
    expect(read(pair.remote)).toEqual(read(pair.local));
    pair.end();
    if (!wasKilled) break;
    expect(at).toBeLessThan(50);
  }
}, 60_000);

const paths = ["a", "b", "a/x", "a/y", "b/x", "b/x/z"];

/** Paths with a content that was there before or one that only this side and path has. */
function treeOf(side: string): fc.Arbitrary<Tree> {
  const contents = fc.dictionary(fc.constantFrom(...paths), fc.constantFrom("1", "2", "new"), { maxKeys: 5 });
  return contents.map((tree) => Object.fromEntries(Object.entries(tree).map(([path, c]) => [path, c === "new" ? `${side} ${path}` : c])));
}

/** Without what a longer path makes a folder of. */
function possible(tree: Tree): Tree {
  return Object.fromEntries(Object.entries(tree).filter(([path]) => !Object.keys(tree).some((other) => other.startsWith(`${path}/`))));
}

function replace(folder: string, tree: Tree): void {
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  write(folder, tree);
}

test("whatever happens on both sides, they end the same and no version that was new is lost", async () => {
  await fc.assert(
    fc.asyncProperty(treeOf("first"), treeOf("here"), treeOf("there"), async (first, here, there) => {
      const pair = new Pair();
      const base = possible(first);
      write(pair.local, base);
      await pair.settle();
      const [mine, theirs] = [possible(here), possible(there)];
      replace(pair.local, mine);
      replace(pair.remote, theirs);
      await pair.settle({ acceptDeletes: true });
      const end = read(pair.local);
      expect(read(pair.remote)).toEqual(end);
      for (const tree of [mine, theirs])
        for (const [path, content] of Object.entries(tree)) if (base[path] !== content) expect(Object.values(end)).toContain(content);
      for (const [path, content] of Object.entries(base))
        if (mine[path] === content && theirs[path] === content) expect(end[path]).toBe(content);
      expect((await pair.round({ acceptDeletes: true })).again).toBe(false);
      pair.end();
    }),
    { numRuns: 150 },
  );
}, 120_000);
