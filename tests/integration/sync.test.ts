import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { waitUntil } from "../../src/lib/wait-until.ts";
import { CliHome } from "./cli-home.ts";

/** On a computer that does nothing else it takes half a second. */
const arriveLimitMs = 20_000;
const pollMs = 20;

let cli: CliHome;
let environmentId: string;
let n = 0;
/** The folder here, and the working copy, which the simulated machine has on this computer. */
let here: string;
let there: string;
let subfolder: string;

beforeAll(async () => {
  cli = new CliHome();
  const [made] = await cli.json("create", "https://simulated.test/app.git");
  environmentId = String(made?.["id"]);
});

afterAll(async () => cli.end());

beforeEach(() => {
  n++;
  subfolder = `part${n}`;
  here = join(cli.folder, `here${n}`);
  there = join(cli.home, "machines/default/copies", environmentId, "app", subfolder);
  mkdirSync(there, { recursive: true });
});

async function arrives(path: string, content: string | undefined): Promise<void> {
  const read = (): string | undefined => (existsSync(path) ? readFileSync(path, "utf8") : undefined);
  const arrived = await waitUntil(() => read() === content, { intervalMs: pollMs, signal: AbortSignal.timeout(arriveLimitMs) });
  if (!arrived) throw new Error(`${path} has ${JSON.stringify(read())}: ${JSON.stringify(await cli.json("sync", "status", here))}`);
}

async function start(...args: readonly string[]): Promise<Record<string, unknown>> {
  const [sync] = await cli.json("sync", "start", "app", here, "--path", subfolder, ...args);
  return sync ?? {};
}

test("a folder is made the same as the environment's, and stays so while both are changed", async () => {
  writeFileSync(join(there, "from-there.txt"), "1");
  mkdirSync(join(there, ".git"));
  writeFileSync(join(there, ".git/config"), "git");
  writeFileSync(join(there, "debug.log"), "log");
  const sync = await start("--ignore", "*.log");
  expect(sync).toMatchObject({
    environment: "app",
    folder: here,
    path: subfolder,
    ignore: ["*.log"],
    state: "in-sync",
    files: 1,
    conflicts: [],
  });
  expect(readdirSync(here)).toEqual(["from-there.txt"]);
  writeFileSync(join(here, "from-here.txt"), "2");
  await arrives(join(there, "from-here.txt"), "2");
  writeFileSync(join(there, "from-there.txt"), "3");
  await arrives(join(here, "from-there.txt"), "3");
  mkdirSync(join(there, "new/deep"), { recursive: true });
  writeFileSync(join(there, "new/deep/file.txt"), "4");
  await arrives(join(here, "new/deep/file.txt"), "4");
  writeFileSync(join(there, "new/deep/file.txt"), "5");
  await arrives(join(here, "new/deep/file.txt"), "5");
  rmSync(join(here, "from-there.txt"));
  await arrives(join(there, "from-there.txt"), undefined);
});

test("a conflict that came while no host ran is told until it is over, and what is kept is the person's alone", async () => {
  await start();
  expect((await cli.berth("host", "stop")).status).toBe(0);
  writeFileSync(join(here, "notes.txt"), "mine");
  writeFileSync(join(there, "notes.txt"), "theirs");
  await cli.json("machine", "start");
  const [sync] = await cli.json("sync", "now", here);
  expect(sync).toMatchObject({ state: "in-sync", totalConflicts: 1 });
  const [conflict] = await cli.json("sync", "conflicts", here);
  expect(conflict).toMatchObject({ environment: "app", path: "notes.txt" });
  const keptAs = String(conflict?.["keptAs"]);
  expect(readFileSync(join(here, keptAs), "utf8")).toBe("mine");
  expect(readFileSync(join(there, keptAs), "utf8")).toBe("mine");
  expect(readFileSync(join(here, "notes.txt"), "utf8")).toBe("theirs");
  rmSync(join(there, keptAs));
  await arrives(join(here, keptAs), undefined);
  // That it is over is known once the next round has ended.
  await expect.poll(async () => cli.json("sync", "conflicts", here), { timeout: 20_000 }).toEqual([]);
  const folder = join(cli.home, "sync", String(sync?.["id"]));
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, "sync.json")).mode & 0o777).toBe(0o600);
});

test("a host that is killed in the middle of it goes on with the next one, and nothing is there twice", async () => {
  const names = Array.from({ length: 400 }, (_, i) => `${i}.txt`);
  for (const name of names) writeFileSync(join(there, name), name.repeat(100));
  mkdirSync(here);
  writeFileSync(join(here, "from-here.txt"), "h");
  const [host] = await cli.json("host", "pid");
  await start("--no-wait");
  const began = await waitUntil(() => existsSync(here) && readdirSync(here).length > 20, {
    intervalMs: 1,
    signal: AbortSignal.timeout(arriveLimitMs),
  });
  process.kill(Number(host?.["pid"]), "SIGKILL");
  expect([began, readdirSync(here).length < names.length]).toEqual([true, true]);
  await cli.json("machine", "start");
  expect((await cli.json("sync", "now", here))[0]).toMatchObject({ state: "in-sync", files: names.length + 1, totalConflicts: 0 });
  expect(readdirSync(here).filter((name) => name.endsWith(".txt"))).toHaveLength(names.length + 1);
  expect(readFileSync(join(there, "from-here.txt"), "utf8")).toBe("h");
});

test("what changes while the machine is suspended waits, wakes nothing, and comes when somebody asks", async () => {
  await start();
  await cli.json("machine", "suspend");
  writeFileSync(join(here, "waits.txt"), "w");
  const waiting = await waitUntil(async () => (await cli.json("sync", "status", here))[0]?.["state"] === "waiting", {
    intervalMs: pollMs,
    signal: AbortSignal.timeout(arriveLimitMs),
  });
  expect(waiting).toBe(true);
  expect(existsSync(join(there, "waits.txt"))).toBe(false);
  expect((await cli.json("sync", "now", here))[0]).toMatchObject({ state: "in-sync" });
  expect(readFileSync(join(there, "waits.txt"), "utf8")).toBe("w");
});

test("many deletions are asked about, and are done when they are accepted", async () => {
  for (let i = 0; i < 30; i++) writeFileSync(join(there, `${i}.txt`), String(i));
  await start();
  rmSync(here, { recursive: true });
  mkdirSync(here);
  const halted = await cli.berth("sync", "now", here);
  expect([halted.status, halted.stderr]).toEqual([4, expect.stringContaining("--accept-deletes")]);
  expect(readdirSync(there)).toHaveLength(30);
  // Another change does not make the rest of it a small one.
  writeFileSync(join(here, "new.txt"), "new");
  for (let i = 0; i < 20; i++) writeFileSync(join(here, `${i}.txt`), String(i));
  expect((await cli.berth("sync", "now", here)).status).toBe(4);
  expect((await cli.berth("sync", "resume", here, "--accept-deletes")).status).toBe(0);
  expect(readdirSync(there)).toHaveLength(21);
});

test("a sync that was stopped leaves both folders, and nothing goes on", async () => {
  writeFileSync(join(there, "a.txt"), "a");
  const { id } = await start();
  expect((await start())["id"]).toBe(id);
  expect((await cli.berth("sync", "stop", here)).status).toBe(0);
  expect((await cli.berth("sync", "status", here)).status).toBe(3);
  expect(readFileSync(join(here, "a.txt"), "utf8")).toBe("a");
  expect(existsSync(join(cli.home, "sync", String(id)))).toBe(false);
});

test("folders that hold more than work, or are synced already, are refused", async () => {
  await start();
  for (const folder of ["/", cli.home, join(cli.home, "machines"), join(here, "inner"), join(cli.folder, "none/none")])
    expect([folder, (await cli.berth("sync", "start", "app", folder)).status]).toEqual([folder, 4]);
  expect((await cli.berth("sync", "start", "app", `${here}-2`, "--path", "../..")).status).toBe(2);
  expect((await cli.berth("sync", "start", "app", `${here}-2`, "--ignore", "!a")).status).toBe(2);
  expect((await cli.berth("sync", "start", "none", `${here}-2`)).status).toBe(3);
});
