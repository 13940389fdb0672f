import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Pair, read, type Tree, write } from "./sync-pair.fixture.ts";

let pair: Pair;

beforeEach(() => {
  pair = new Pair();
});
afterEach(() => pair.end());

/** Both sides have this and agree on it. */
async function synced(tree: Tree): Promise<void> {
  write(pair.local, tree);
  await pair.settle();
  expect(read(pair.remote)).toEqual(tree);
}

test("what is new on either side comes to the other, with folders, links and the permission to run", async () => {
  write(pair.local, { "a.txt": "a", "deep/er/b.txt": "b" });
  chmodSync(join(pair.local, "a.txt"), 0o755);
  write(pair.remote, { "c.txt": "c" });
  mkdirSync(join(pair.remote, "empty"));
  symlinkSync("deep/er", join(pair.remote, "link"));
  await pair.settle();
  expect(read(pair.local)).toEqual({ "a.txt": "a", "c.txt": "c", "deep/er/b.txt": "b", empty: "/", link: "-> deep/er" });
  expect(read(pair.remote)).toEqual(read(pair.local));
  expect(lstatSync(join(pair.remote, "a.txt")).mode & 0o777).toBe(0o755);
  chmodSync(join(pair.remote, "a.txt"), 0o600);
  await pair.settle();
  expect(lstatSync(join(pair.local, "a.txt")).mode & 0o777).toBe(0o644);
});

test("changes and deletions go both ways, and what was replaced or removed is in the trash", async () => {
  await synced({ "a.txt": "a", "b.txt": "b", "gone/c.txt": "c", "d.txt": "d" });
  write(pair.local, { "a.txt": "a2" });
  rmSync(join(pair.local, "gone"), { recursive: true });
  write(pair.remote, { "b.txt": "b2" });
  rmSync(join(pair.remote, "d.txt"));
  await pair.settle();
  const expected = { "a.txt": "a2", "b.txt": "b2" };
  expect(read(pair.local)).toEqual(expected);
  expect(read(pair.remote)).toEqual(expected);
  expect(Object.values(read(pair.stateOf("remote"))).sort()).toEqual(["a", "c"]);
  expect(Object.values(read(pair.stateOf("local"))).sort()).toEqual(["b", "d"]);
});

test("of two different versions the environment's keeps the name and this computer's is kept beside it, on both sides", async () => {
  await synced({ "notes.txt": "first", Makefile: "first" });
  write(pair.local, { "notes.txt": "mine", Makefile: "mine" });
  write(pair.remote, { "notes.txt": "theirs", Makefile: "theirs" });
  await pair.settle();
  expect(read(pair.local)).toEqual({
    Makefile: "theirs",
    "Makefile.conflict-computer-20261127-003000": "mine",
    "notes.txt": "theirs",
    "notes.conflict-computer-20261127-003000.txt": "mine",
  });
  expect(read(pair.remote)).toEqual(read(pair.local));
});

test("who changed a file wins over who deleted it, in a deleted folder too", async () => {
  await synced({ "a/x.txt": "x", "a/y.txt": "y", "b/x.txt": "x", "b/y.txt": "y" });
  write(pair.local, { "a/x.txt": "x2" });
  rmSync(join(pair.remote, "a"), { recursive: true });
  rmSync(join(pair.local, "b"), { recursive: true });
  write(pair.remote, { "b/new.txt": "new" });
  await pair.settle();
  expect(read(pair.local)).toEqual({ "a/x.txt": "x2", "b/new.txt": "new" });
  expect(read(pair.remote)).toEqual(read(pair.local));
});

test("a folder in a file's place, and the other way round", async () => {
  await synced({ one: "1", "two/x.txt": "x", three: "3", "four/x.txt": "x" });
  rmSync(join(pair.local, "one"));
  write(pair.local, { "one/inside.txt": "i" });
  rmSync(join(pair.remote, "two"), { recursive: true });
  write(pair.remote, { two: "2" });
  // And against a change on the other side.
  rmSync(join(pair.remote, "three"));
  write(pair.remote, { "three/inside.txt": "i" });
  write(pair.local, { three: "3b" });
  rmSync(join(pair.remote, "four"), { recursive: true });
  write(pair.remote, { four: "4" });
  write(pair.local, { "four/x.txt": "x2" });
  await pair.settle();
  expect(read(pair.local)).toEqual({
    four: "4",
    "four.conflict-computer-20261127-003000/x.txt": "x2",
    "one/inside.txt": "i",
    "three.conflict-computer-20261127-003000": "3b",
    "three/inside.txt": "i",
    two: "2",
  });
  expect(read(pair.remote)).toEqual(read(pair.local));
});

test("git's folder, packages and what the person left out stay where they are, in any spelling", async () => {
  write(pair.remote, {
    ".git/hooks/pre-commit": "x",
    "sub/.GIT/config": "x",
    "sub/.g\u200cit/config": "x",
    "node_modules/a.js": "x",
    "out.log": "x",
    "a.txt": "a",
  });
  await pair.settle();
  expect(read(pair.local)).toEqual({ "a.txt": "a", sub: "/" });
});

test("links that lead out and files that are no files are told and not followed", async () => {
  symlinkSync("/etc", join(pair.remote, "absolute"));
  symlinkSync("../local", join(pair.remote, "up"));
  mkdirSync(join(pair.remote, "deep"));
  symlinkSync("x/../../../etc", join(pair.remote, "deep/zigzag"));
  write(pair.remote, { "bad\nname": "x", "back\\slash": "x" });
  const { problems } = await pair.settle();
  expect(read(pair.local)).toEqual({ deep: "/" });
  expect(problems.map(({ path, side, reason }) => `${side} ${reason} ${path}`).sort()).toEqual([
    "remote link absolute",
    "remote link deep/zigzag",
    "remote link up",
    "remote name back\\slash",
    "remote name bad\nname",
  ]);
});

test("nothing is written through a link that this computer has in a folder's place", async () => {
  await synced({ "dir/a.txt": "a" });
  mkdirSync(join(pair.folder, "outside"));
  rmSync(join(pair.local, "dir"), { recursive: true });
  symlinkSync("../outside", join(pair.local, "dir"));
  write(pair.remote, { "dir/b.txt": "b" });
  await pair.settle();
  expect(readdirSync(join(pair.folder, "outside"))).toEqual([]);
  expect(read(pair.remote)).toEqual({ "dir/a.txt": "a", "dir/b.txt": "b" });
});

test("names that this computer takes for one another are told, and neither is written over the other", async () => {
  write(pair.local, { "readme.md": "mine" });
  write(pair.remote, { "README.md": "theirs", "x/A": "1", "x/a": "2" });
  const { problems } = await pair.settle({ foldsNames: true });
  expect(problems.map(({ path, reason }) => `${reason} ${path}`)).toEqual(["name-clash README.md", "name-clash x/a"]);
  expect(read(pair.local)).toEqual({ "readme.md": "mine", "x/A": "1" });
});

const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`files/${i}.txt`, `content ${i}`]));

test("many deletions, an emptied folder and a missing one halt it; accepted deletions are carried out", async () => {
  await synced({ ...many, "kept.txt": "k" });
  rmSync(join(pair.local, "files"), { recursive: true });
  expect((await pair.round()).halt).toEqual({ reason: "deletes", detail: "40 of 41 files were deleted on this computer" });
  expect(Object.keys(read(pair.remote))).toHaveLength(41);
  expect((await pair.settle({ acceptDeletes: true })).halt).toBeUndefined();
  expect(read(pair.remote)).toEqual({ "kept.txt": "k" });
  expect(Object.keys(read(pair.stateOf("remote")))).toHaveLength(40);
  rmSync(join(pair.remote, "kept.txt"));
  expect((await pair.round()).halt?.reason).toBe("deletes");
  renameSync(pair.local, `${pair.local}-away`);
  expect((await pair.round()).halt?.reason).toBe("local-missing");
});

test("a deleted folder that holds what is left out stays, and is told", async () => {
  await synced({ "app/a.txt": "a", "b.txt": "b" });
  write(pair.remote, { "app/debug.log": "log" });
  rmSync(join(pair.local, "app"), { recursive: true });
  const { problems } = await pair.settle();
  expect(problems).toEqual([{ path: "app", side: "remote", reason: "not-empty", detail: "" }]);
  expect(read(pair.remote)).toEqual({ "app/debug.log": "log", "b.txt": "b" });
});

/** Something happens on a side after the scan and before each change. */

test("many conflicts at once are asked about, and kept in both versions when they are accepted", async () => {
  const versions = (text: string): Tree => Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`${i}.txt`, text]));
  write(pair.local, versions("mine"));
  write(pair.remote, versions("theirs"));
  expect((await pair.round()).halt).toEqual({ reason: "conflicts", detail: "21 files are not the same on both sides" });
  expect(read(pair.local)).toEqual(versions("mine"));
  await pair.settle({ acceptConflicts: true });
  expect(Object.keys(read(pair.local))).toHaveLength(42);
  expect(read(pair.remote)).toEqual(read(pair.local));
});
