import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeFileAtomically } from "./atomic-file.ts";
import { removeFolder } from "./remove-folder.ts";

/** Node's own way leaves some of so many. */
const rounds = 500;
let parent: string;

beforeAll(() => {
  parent = mkdtempSync(join(tmpdir(), "berth-remove-"));
});
afterAll(() => rmSync(parent, { recursive: true }));

test("a folder that something is still written in is gone, whole", async () => {
  for (let round = 0; round < rounds; round++) {
    const folder = join(parent, String(round));
    mkdirSync(join(folder, "in", "it"), { recursive: true });
    for (const name of ["disk", "limit"]) writeFileSync(join(folder, name), "x");
    const writes = [0, 1, 2].map(async () => writeFileAtomically(join(folder, "disk"), "y").catch(() => undefined));
    await new Promise<void>((resolve) => setImmediate(resolve));
    removeFolder(folder);
    expect(existsSync(folder), `round ${round}`).toBe(false);
    await Promise.all(writes);
  }
});

test("one that is not there is no failure", () => {
  expect(() => removeFolder(join(parent, "never"))).not.toThrow();
});
