import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { waitUntil } from "../lib/wait-until.ts";
import { EnvironmentStates } from "./environment-state.ts";
import { ensureHostKey } from "./ssh.ts";

const id = "01900000-0000-7000-8000-000000000001";
let folder: string;
let states: EnvironmentStates;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "berth-states-"));
  states = statesOf();
  await states.begin(id, "app");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function statesOf(): EnvironmentStates {
  return new EnvironmentStates({ dataFolder: join(folder, "data"), runFolder: join(folder, "run") });
}

test("a removed environment leaves nothing, whatever asks for its host key meanwhile", async () => {
  mkdirSync(states.workingCopy(id), { recursive: true });
  for (let i = 0; i < 500; i++) writeFileSync(join(states.workingCopy(id), `file-${i}`), "content");
  let removed = false;
  const asking = Array.from({ length: 4 }, async () => {
    while (!removed) await ensureHostKey(states.folderOf(id)).catch(() => "");
  });
  await states.remove(id).finally(() => (removed = true));
  await Promise.all(asking);
  expect(states.ids()).toEqual([]);
  expect(readdirSync(states.folder)).toEqual([]);
});

test("a removal that was interrupted is no environment, and the next life goes on with it", async () => {
  const half = join(states.folder, `.removed-${id}`);
  mkdirSync(join(half, "repo"), { recursive: true });
  const next = statesOf();
  await next.load();
  expect(next.ids()).toEqual([id]);
  expect(await waitUntil(() => !existsSync(half), { intervalMs: 5, signal: AbortSignal.timeout(5000) })).toBe(true);
});

test("removing what is removed already is no error", async () => {
  await states.remove(id);
  await states.remove(id);
  expect(states.ids()).toEqual([]);
});
