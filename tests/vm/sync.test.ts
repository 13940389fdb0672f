import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { waitUntil } from "../../src/lib/wait-until.ts";
import { must, Product } from "./product.ts";

const product = new Product(inject("productFolder"));
const name = "synced";
const sample = join(import.meta.dirname, "../../samples/node-web");
const here = join(product.folder, "synced-here");
/** Under emulation, on a computer that does other things beside. */
const arriveLimitMs = 60_000;
const pollMs = 100;
/** After that the container changes a file, whether or not a host runs. */
const changeInSeconds = 6;

const conflictSchema = z.object({ keptAs: z.string() });

const inside = (command: string): string => must(product.berth("exec", name, "--", "sh", "-c", command)).stdout;

function sync(...args: readonly string[]): Readonly<Record<string, unknown>> {
  return JSON.parse(must(product.berth("sync", ...args, "--json")).stdout) as Readonly<Record<string, unknown>>;
}

async function holds(condition: () => boolean): Promise<void> {
  const held = await waitUntil(condition, { intervalMs: pollMs, signal: AbortSignal.timeout(arriveLimitMs) });
  if (!held) throw new Error(`it did not arrive: ${product.berth("sync", "status", here).stdout}\n${product.hostLog().slice(-3000)}`);
}

async function arrivesHere(path: string, content: string): Promise<void> {
  await holds(() => existsSync(join(here, path)) && readFileSync(join(here, path), "utf8") === content);
}

async function arrivesThere(path: string, content: string): Promise<void> {
  await holds(() => product.berth("exec", name, "--", "cat", path).stdout === content);
}

beforeAll(() => {
  rmSync(here, { recursive: true, force: true });
  must(product.create(sample, name));
});

afterAll(() => {
  product.berth("sync", "stop", here);
  product.berth("delete", name, "--force");
});

test("the folder here has the working copy's files, and what is changed on either side comes to the other", async () => {
  const started = sync("start", name, here, "--ignore", "*.log");
  expect(started).toMatchObject({ state: "in-sync", conflicts: [], problems: [] });
  expect(readdirSync(here).sort()).toEqual(
    readdirSync(sample)
      .filter((n) => n !== ".git" && n !== "node_modules")
      .sort(),
  );
  mkdirSync(join(here, "src/new"), { recursive: true });
  writeFileSync(join(here, "src/new/from-here.txt"), "from here\n");
  await arrivesThere("src/new/from-here.txt", "from here\n");
  // It is the person's in the container, who goes on with it there.
  inside('test "$(stat -c %u src/new/from-here.txt)" = "$(stat -c %u .)" && test -O src/new && echo more >> src/new/from-here.txt');
  await arrivesHere("src/new/from-here.txt", "from here\nmore\n");
  inside("rm -r src/new && printf '#!/bin/sh\\n' > run.sh && chmod +x run.sh && ln -s run.sh also && echo noise > noise.log");
  await holds(() => !existsSync(join(here, "src/new")) && existsSync(join(here, "also")));
  expect([readFileSync(join(here, "run.sh"), "utf8"), existsSync(join(here, "noise.log"))]).toEqual(["#!/bin/sh\n", false]);
});

test("both versions are kept when both sides change while no host runs, and the next host goes on", async () => {
  writeFileSync(join(here, "notes.txt"), "first\n");
  await arrivesThere("notes.txt", "first\n");
  inside(`nohup sh -c 'sleep ${changeInSeconds}; echo theirs > notes.txt' > /dev/null 2>&1 &`);
  must(product.berth("host", "stop", "--keep-machines"));
  writeFileSync(join(here, "notes.txt"), "mine\n");
  // Without a host nobody can tell when the container has done it.
  await delay(2 * changeInSeconds * 1000);
  must(product.berth("start", name));
  await holds(() => product.berth("sync", "conflicts", here, "--json").stdout !== "");
  expect(sync("now", here)).toMatchObject({ state: "in-sync", totalConflicts: 1 });
  const { keptAs } = conflictSchema.parse(JSON.parse(product.berth("sync", "conflicts", here, "--json").stdout));
  for (const read of [(path: string) => readFileSync(join(here, path), "utf8"), (path: string) => inside(`cat ${path}`)])
    expect([read("notes.txt"), read(keptAs)]).toEqual(["theirs\n", "mine\n"]);
});

test("a container cannot lead it out of the working copy", async () => {
  inside("ln -s /etc/hostname out; mkdir dir; echo 1 > dir/file");
  await arrivesHere("dir/file", "1\n");
  inside("rm -r dir; ln -s /etc dir");
  const seen = sync("now", here);
  expect(seen["problems"]).toContainEqual({ path: "out", side: "remote", reason: "link", detail: "" });
  expect(existsSync(join(here, "out"))).toBe(false);
  writeFileSync(join(here, "dir/hostname"), "overwritten\n");
  sync("now", here);
  expect(inside("cat /etc/hostname")).not.toContain("overwritten");
  inside("rm out dir");
  await holds(() => existsSync(join(here, "dir")));
});

test("it is suspended with its machine, and goes on when somebody asks", () => {
  must(product.berth("machine", "suspend"));
  writeFileSync(join(here, "late.txt"), "late\n");
  symlinkSync("late.txt", join(here, "link"));
  expect(sync("now", here)).toMatchObject({ state: "in-sync" });
  expect(inside("cat link")).toBe("late\n");
});

test("stopped, nothing goes on and both sides stay", () => {
  must(product.berth("sync", "stop", here));
  expect(product.berth("sync", "status", here).status).toBe(3);
  expect(readFileSync(join(here, "late.txt"), "utf8")).toBe("late\n");
  expect(inside("cat late.txt")).toBe("late\n");
});
