import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const generateTimeoutMs = 120_000;

function filesOf(folder: string): Map<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => statSync(join(folder, path)).isFile());
  return new Map(paths.toSorted().map((path) => [path, readFileSync(join(folder, path), "utf8")]));
}

test("src/contract/gen is what `npm run gen` makes of proto", { timeout: generateTimeoutMs }, () => {
  const out = mkdtempSync(join(tmpdir(), "berth-gen-"));
  const generated = spawnSync(process.execPath, ["tools/proto/main.ts", out], { cwd: root, encoding: "utf8" });
  expect(generated.status, generated.stderr).toBe(0);
  const made = filesOf(out);
  const kept = filesOf(join(root, "src/contract/gen"));
  expect([...kept.keys()]).toEqual([...made.keys()]);
  for (const [path, text] of made) expect(kept.get(path) === text, `${path} differs: run npm run gen`).toBe(true);
  rmSync(out, { recursive: true });
});
