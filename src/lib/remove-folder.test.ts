import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { removeFolder } from "./remove-folder.ts";

/** Node's own way leaves some of so many. */
const rounds = 300;
let parent: string;

beforeAll(() => {
  parent = mkdtempSync(join(tmpdir(), "berth-remove-"));
});
afterAll(() => rmSync(parent, { recursive: true }));

test("a folder that something is still written in is gone, whole", async () => {
  for (let round = 0; round < rounds; round++) {
    const folder = join(parent, String(round));
    mkdirSync(folder);
    for (const name of ["disk", "limit"]) writeFileSync(join(folder, name), "x");
    const writes = ["a", "b", "c"].map(async (name) => {
      await writeFile(join(folder, name), "y").catch(() => undefined);
      await rename(join(folder, name), join(folder, "disk")).catch(() => undefined);
    });
    // A turn of the event loop, so that the writes are under way and not over.
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    removeFolder(folder);
    expect(existsSync(folder), `round ${round}`).toBe(false);
    await Promise.all(writes);
  }
});

test("one that is not there is no failure", () => {
  expect(() => removeFolder(join(parent, "never"))).not.toThrow();
});
