import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const folder = join(root, ".github/workflows");
const workflows = readdirSync(folder).map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") }));

test.each(workflows)("$name may only read, has a limit for each job, and names versions of its actions", ({ text }) => {
  expect(text).toMatch(/^permissions:\n {2}contents: read$/m);
  expect([...text.matchAll(/^ {4}timeout-minutes: \d+$/gm)]).toHaveLength([...text.matchAll(/^ {4}runs-on: \S+$/gm)].length);
  for (const [, action] of text.matchAll(/uses: (\S+)/g)) expect(action).toMatch(/^[\w-]+\/[\w-]+@v\d+$/);
  // Files a key is made of have to be there, or the cache is never made anew.
  for (const [, paths = ""] of text.matchAll(/hashFiles\(([^)]+)\)/g))
    for (const [, path = ""] of paths.matchAll(/'([^'*]+?)(?:\/\*\*)?'/g)) statSync(join(root, path));
});

test("continuous integration runs what README.md names", () => {
  expect(readFileSync(join(root, ".ci/run"), "utf8")).toContain("npm test");
  expect(readFileSync(join(root, "README.md"), "utf8")).toContain("npm test");
  expect(statSync(join(root, ".ci/run")).mode & 0o111).not.toBe(0);
});
