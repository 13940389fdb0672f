import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readSessionEnv, type SessionEnvFiles, sessionEnvFiles, writeNetworkEnv, writeSessionEnv } from "./session-env.ts";

let folder: string;
let files: SessionEnvFiles;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-session-env-"));
  files = sessionEnvFiles(folder, "id");
  mkdirSync(dirname(files.network), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("the network's settings may come several times while an environment starts", async () => {
  await Promise.all(Array.from({ length: 20 }, async () => writeNetworkEnv(files, { HTTP_PROXY: "http://proxy:3128" })));
  expect(readFileSync(files.network, "utf8")).toBe("HTTP_PROXY=http://proxy:3128\n");
  expect(readdirSync(dirname(files.network))).toEqual(["network"]);
});

test("values of several lines come back whole, and what is no name is left out", async () => {
  const env = { ONE: "1", SEVERAL: "a\n'b'\n" };
  await writeSessionEnv(files, { ...env, "NOT A NAME": "x" });
  expect(await readSessionEnv(files)).toEqual(env);
});
