import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";

const root = join(import.meta.dirname, "../..");
const manifestSchema = z.object({ dependencies: z.record(z.string(), z.string()), devDependencies: z.record(z.string(), z.string()) });
const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));

test("docs/DEPENDENCIES.md has a reason for exactly what is shipped", () => {
  const rows = [...readFileSync(join(root, "docs/DEPENDENCIES.md"), "utf8").matchAll(/^\| `([^`]+)` \| [^|]+ \| [^|]+ \|$/gm)];
  expect(rows.map((row) => row[1] ?? "").toSorted()).toEqual(Object.keys(manifest.dependencies).toSorted());
});

test("every version is exact", () => {
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }))
    expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
});
