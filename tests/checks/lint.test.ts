import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";

const root = join(import.meta.dirname, "../..");
const lintTimeoutMs = 120_000;

/** One file for each rule that must fail; the file's name is the rule's. */
const fixtures: Readonly<Record<string, string>> = {
  "no-explicit-any": "export function f(x: any): string {\n  return String(x);\n}\n",
  "no-non-null-assertion": "export function f(x: string | undefined): string {\n  return x!;\n}\n",
  "no-floating-promises": "export function f(g: () => Promise<void>): void {\n  g();\n}\n",
  "no-misused-promises": "export function f(g: () => Promise<boolean>): number {\n  if (g()) return 1;\n  return 2;\n}\n",
  "switch-exhaustiveness-check":
    'export function f(x: "a" | "b"): number {\n  switch (x) {\n    case "a":\n      return 1;\n  }\n  return 2;\n}\n',
  "consistent-type-imports": 'import { Stats } from "node:fs";\nexport type S = Stats;\n',
  "no-default-export": "export default 1;\n",
  "no-barrel-file": `${Array.from({ length: 120 }, (_x, n) => `export * from "./long/${n}.ts";`).join("\n")}\n`,
  "no-console": 'console.log("x");\nexport const x = 1;\n',
  eqeqeq: "export function f(x: number): boolean {\n  return x == 1;\n}\n",
  "no-var": "export function f(): number {\n  var x = 1;\n  return x;\n}\n",
  "prefer-const": "export function f(): number {\n  let x = 1;\n  return x;\n}\n",
  "max-lines-per-function": `export function f(x: number): number {\n${"  x++;\n".repeat(71)}  return x;\n}\n`,
  "max-lines": Array.from({ length: 401 }, (_x, n) => `export const y${n} = ${n};\n`).join(""),
  "no-cycle": 'import { b } from "./cycle-b.ts";\nexport const a = (): number => b();\n',
};

const outputSchema = z.object({ diagnostics: z.array(z.object({ code: z.string().optional(), filename: z.string() })) });
let copy: string;
let found: { rule: string; file: string }[];

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "berth-lint-"));
  for (const name of [".oxlintrc.json", "package.json", "tsconfig.base.json", "src/lib/tsconfig.json"]) {
    mkdirSync(dirname(join(copy, name)), { recursive: true });
    cpSync(join(root, name), join(copy, name));
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  mkdirSync(join(copy, "src/lib/long"));
  for (const [rule, text] of Object.entries(fixtures)) writeFileSync(join(copy, "src/lib", `${rule}.ts`), text);
  for (let n = 0; n < 120; n++) writeFileSync(join(copy, `src/lib/long/${n}.ts`), `export const v${n} = ${n};\n`);
  writeFileSync(join(copy, "src/lib/cycle-b.ts"), 'import { a } from "./no-cycle.ts";\nexport const b = (): number => a();\n');
  writeFileSync(join(copy, "src/lib/fine.ts"), "/** Says nothing wrong. */\nexport const fine = 1;\n");
  // The arguments are those of `npm run check`.
  const check = readFileSync(join(root, "tools/check.ts"), "utf8");
  const flags = [...(/\["oxlint", ([^\]]+)\]/.exec(check)?.[1] ?? "").matchAll(/"(--[^"]+)"/g)].map((match) => match[1] ?? "");
  const result = spawnSync(join(root, "node_modules/.bin/oxlint"), [...flags, "--format", "json", "src"], {
    cwd: copy,
    encoding: "utf8",
    env: { ...process.env, PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"]}` },
  });
  expect(result.status, result.stderr).toBe(1);
  found = outputSchema
    .parse(JSON.parse(result.stdout))
    .diagnostics.map(({ code = "", filename }) => ({ rule: /\((.+)\)/.exec(code)?.[1] ?? code, file: filename }));
}, lintTimeoutMs);
afterAll(() => rmSync(copy, { recursive: true }));

test.each(Object.keys(fixtures))("%s is refused", (rule) => {
  expect(found.filter(({ file }) => file.endsWith(`lib/${rule}.ts`)).map((f) => f.rule)).toContain(rule);
});

test("what breaks no rule passes", () => {
  expect(found.filter(({ file }) => file.endsWith("fine.ts"))).toEqual([]);
});
