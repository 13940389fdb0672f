import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { waitUntil } from "../wait-until.ts";
import type { Change, ChangePart, Entry, Outcome, Scan } from "./entries.ts";
import { FolderSide } from "./folder-side.ts";
import { trashLimits } from "./trash.ts";

const dayMs = 24 * 60 * 60_000;
const signal = new AbortController().signal;
let folder: string;
let root: string;
let state: string;
let nowMs: number;
let side: FolderSide;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "berth-folder-"));
  root = join(folder, "root");
  state = join(folder, "state");
  mkdirSync(join(root, "sub"), { recursive: true });
  nowMs = Date.now();
  side = await open();
});
afterEach(() => {
  side.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(subfolder = ""): Promise<FolderSide> {
  return FolderSide.open({ root, subfolder, ignorePatterns: [], stateFolder: state, now: () => nowMs });
}

function fileOf(content: string): Entry & { readonly kind: "file" } {
  return { kind: "file", size: content.length, hash: createHash("sha256").update(content).digest("hex"), executable: false };
}

function writeOf(path: string, content: string, expected?: string): ChangePart[] {
  return [
    { kind: "change", change: { op: "write", path, entry: fileOf(content), expected } },
    { kind: "data", data: Buffer.from(content) },
  ];
}

async function apply(parts: readonly ChangePart[]): Promise<readonly Outcome["result"][]> {
  const outcomes = await side.apply(
    (async function* () {
      yield* parts;
    })(),
    signal,
  );
  return outcomes.map(({ result }) => result);
}

async function scan(): Promise<Scan> {
  const found = await side.scan(signal);
  if (found === undefined) throw new Error("the folder is not there");
  return found;
}

async function stampOf(path: string): Promise<string> {
  return (await scan()).entries.get(path)?.stamp ?? "";
}

/** All that lies in the trash, by content. */
function trashed(): string[] {
  const trash = join(state, "trash");
  if (!existsSync(trash)) return [];
  return readdirSync(trash, { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile())
    .map((e) => readFileSync(join(e.parentPath, e.name), "utf8"));
}

test("a file that has not changed is not read again, also by the next process", async () => {
  writeFileSync(join(root, "a.txt"), "content");
  const longAgo = new Date(nowMs - dayMs);
  utimesSync(join(root, "a.txt"), longAgo, longAgo);
  // Whoever reads it as long after it was changed may trust its times.
  nowMs += dayMs;
  const before = await scan();
  const cache = readFileSync(join(state, "hashes.json"), "utf8");
  writeFileSync(join(state, "hashes.json"), cache.replace(fileOf("content").hash, fileOf("remembered").hash));
  side.close();
  side = await open();
  expect(before.entries.get("a.txt")?.entry).toEqual(fileOf("content"));
  expect((await scan()).entries.get("a.txt")?.entry).toMatchObject({ hash: fileOf("remembered").hash });
});

test("a file that was changed twice within a clock's tick is read each time", async () => {
  writeFileSync(join(root, "a.txt"), "one");
  await scan();
  writeFileSync(join(root, "a.txt"), "two");
  expect((await scan()).entries.get("a.txt")?.entry).toEqual(fileOf("two"));
});

test("what is no file is told and never opened, and too large files are", async () => {
  execFileSync("mkfifo", [join(root, "pipe")]);
  symlinkSync("pipe", join(root, "link"));
  writeFileSync(join(root, "large"), "");
  truncateSync(join(root, "large"), 2 * 1024 ** 3);
  const { skipped, entries } = await scan();
  expect([...skipped].map(([path, reason]) => `${path} ${reason}`).sort()).toEqual(["large too-large", "pipe special"]);
  expect([...entries.keys()].sort()).toEqual(["link", "sub"]);
});

test("a change whose name is not as expected, or whose content is not as promised, does nothing", async () => {
  writeFileSync(join(root, "a.txt"), "a");
  const stamp = await stampOf("a.txt");
  const half = writeOf("half.txt", "promised").slice(0, 1);
  expect(await apply([...writeOf("a.txt", "new"), ...half, ...writeOf("none/b.txt", "b"), ...writeOf("gone.txt", "g", stamp)])).toEqual([
    "changed",
    "changed",
    "changed",
    "changed",
  ]);
  expect(readdirSync(root)).toEqual(["a.txt", "sub"]);
  expect(await apply(writeOf("a.txt", "new", stamp))).toEqual(["done"]);
  expect(readFileSync(join(root, "a.txt"), "utf8")).toBe("new");
  expect(trashed()).toEqual(["a"]);
});

test.each<Change>([
  { op: "write", path: "../out.txt", entry: fileOf("x"), expected: undefined },
  { op: "write", path: ".git/hooks/x", entry: fileOf("x"), expected: undefined },
  { op: "link", path: "out", target: "../../etc", expected: undefined },
  { op: "move", path: "a.txt", to: "../a.txt", expected: "1" },
  { op: "move", path: "a.txt", to: "sub/a.txt", expected: "1" },
  { op: "remove", path: "/etc/passwd", expected: "1" },
])("$op of $path is refused", async (change) => {
  expect(await apply([{ kind: "change", change }])).toEqual(["failed"]);
});

test("a folder that is a link by now leads nobody out, also while it is swapped all the time", async () => {
  const outside = join(folder, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "secret"), "secret");
  const stop = join(folder, "stop");
  // As a container that swaps a folder for a link to something else while the agent works in it.
  const swapping = `
    const fs = require("node:fs");
    const [root, outside, stop] = process.argv.slice(1);
    while (!fs.existsSync(stop)) {
      for (let i = 0; i < 50; i++) {
        fs.renameSync(root + "/sub", root + "/away");
        fs.symlinkSync(outside, root + "/sub");
        fs.unlinkSync(root + "/sub");
        fs.renameSync(root + "/away", root + "/sub");
      }
    }`;
  const child = spawn(process.execPath, ["-e", swapping, root, outside, stop], { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("close", resolve));
  try {
    const seen = new Set<string>();
    let written = 0;
    for (let i = 0; i < 60; i++) {
      const [result] = await apply(writeOf(`sub/${i}.txt`, "x"));
      if (result === "done") written++;
      for (const path of (await side.scan(signal))?.entries.keys() ?? []) seen.add(path);
      const secret = (await side.scan(signal))?.entries.get("sub/secret");
      for await (const { data } of side.read([{ path: "sub/secret", stamp: secret?.stamp ?? "" }], signal)) seen.add(`read ${data.length}`);
    }
    expect(readdirSync(outside)).toEqual(["secret"]);
    expect([...seen].filter((path) => path.includes("secret") || path.startsWith("read"))).toEqual([]);
    expect(written).toBeGreaterThan(0);
  } finally {
    writeFileSync(stop, "");
    await ended;
  }
}, 60_000);

test("a folder below the root is not found through a link", async () => {
  mkdirSync(join(folder, "outside/inner"), { recursive: true });
  symlinkSync("../outside", join(root, "led"));
  side.close();
  side = await open("led/inner");
  expect(await side.scan(signal)).toBeUndefined();
});

test("what somebody writes into a file while it is being replaced is kept beside it", async () => {
  writeFileSync(join(root, "a.txt"), "old");
  linkSync(join(root, "a.txt"), join(folder, "same-file"));
  const stamp = await stampOf("a.txt");
  const outcomes = await side.apply(
    (async function* () {
      yield* writeOf("a.txt", "new", stamp);
    })(),
    signal,
  );
  expect(outcomes).toEqual([{ result: "done" }]);
  // An editor that had it open writes to what is in the trash now; nothing of it is lost.
  writeFileSync(join(folder, "same-file"), "late");
  expect(trashed()).toEqual(["late"]);
});

test("the trash is emptied of what is old and of what is too much, the newest last", async () => {
  const remove = async (path: string): Promise<void> => {
    expect(await apply([{ kind: "change", change: { op: "remove", path, expected: await stampOf(path) } }])).toEqual(["done"]);
  };
  for (const name of ["1", "2", "3"]) writeFileSync(join(root, name), name);
  await remove("1");
  nowMs += (trashLimits.keepDays + 1) * dayMs;
  side.close();
  side = await open();
  await remove("2");
  expect(trashed()).toEqual(["2"]);
});

test("a change is told within a moment, also in a folder that is new, and what is left out is not", async () => {
  let told = 0;
  side.onChange(() => told++);
  mkdirSync(join(root, "node_modules"));
  await scan();
  // Once more at first: something may have come between the look and the watch.
  expect(await waitUntil(() => told === 1, { intervalMs: 5, signal: AbortSignal.timeout(5000) })).toBe(true);
  await scan();
  writeFileSync(join(root, "node_modules/x"), "x");
  await delay(100);
  expect(told).toBe(1);
  const next = async (): Promise<void> => {
    const before = told;
    expect(await waitUntil(() => told > before, { intervalMs: 5, signal: AbortSignal.timeout(5000) })).toBe(true);
    await scan();
  };
  /** Looks until nothing is told any more. */
  const settles = async (): Promise<void> => {
    for (let before = -1; before !== told;) {
      before = told;
      await scan();
      await delay(100);
    }
  };
  writeFileSync(join(root, "sub/a.txt"), "a");
  await next();
  mkdirSync(join(root, "sub/new"));
  await next();
  await next();
  writeFileSync(join(root, "sub/new/b.txt"), "b");
  await next();
  // Another folder of the same name, which a watch of the one before it knows nothing of.
  rmSync(join(root, "sub/new"), { recursive: true });
  mkdirSync(join(root, "sub/new"));
  await next();
  await settles();
  writeFileSync(join(root, "sub/new/c.txt"), "c");
  await next();
  renameSync(join(root, "sub"), join(root, "other"));
  await next();
});
