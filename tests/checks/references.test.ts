import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { allowedImports } from "../../tools/layers.ts";

const root = join(import.meta.dirname, "../..");
const compileTimeoutMs = 120_000;
const folders = Object.keys(allowedImports);

/** Folders, not files: TypeScript's references know no less. */
function mayReference(from: string, to: string): boolean {
  return from === to || (allowedImports[from] ?? []).some((rule) => rule.split("/")[0] === to);
}

test("the compiler refuses every import across folders that is not allowed, and no other", { timeout: compileTimeoutMs }, () => {
  const copy = mkdtempSync(join(tmpdir(), "berth-references-"));
  cpSync(join(root, "tsconfig.base.json"), join(copy, "tsconfig.base.json"));
  cpSync(join(root, "package.json"), join(copy, "package.json"));
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  const pairs = folders.flatMap((from) => folders.filter((to) => to !== from).map((to) => ({ from, to })));
  for (const folder of folders) {
    mkdirSync(join(copy, "src", folder), { recursive: true });
    cpSync(join(root, "src", folder, "tsconfig.json"), join(copy, "src", folder, "tsconfig.json"));
    writeFileSync(join(copy, "src", folder, "here.ts"), "export const here = 1;\n");
  }
  for (const { from, to } of pairs)
    writeFileSync(join(copy, "src", from, `uses-${to}.ts`), `import { here } from "../${to}/here.ts";\nexport const there = here;\n`);
  const { stdout } = spawnSync(join(root, "node_modules/.bin/tsc"), ["-b", "--pretty", "false", ...folders.map((f) => `src/${f}`)], {
    cwd: copy,
    encoding: "utf8",
  });
  const refused = pairs.filter(({ from, to }) => new RegExp(`^src/${from}/uses-${to}\\.ts.*error TS6307`, "m").test(stdout));
  expect(refused).toEqual(pairs.filter(({ from, to }) => !mayReference(from, to)));
  rmSync(copy, { recursive: true });
});
