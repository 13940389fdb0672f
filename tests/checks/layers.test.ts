import { expect, test } from "vitest";
import { checkLayers, forbiddenImports } from "../../tools/layers.ts";

test.each([
  ["contract/a.ts", "../lib/b.ts"],
  ["lib/a.ts", "../contract/b.ts"],
  ["vm/qemu/a.ts", "../../engine/b.ts"],
  ["guest/a.ts", "../vm/driver.ts"],
  ["engine/a.ts", "../vm/qemu/qemu-driver.ts"],
  ["plane/a.ts", "../engine/b.ts"],
  ["bridge/a.ts", "../plane/b.ts"],
  ["host/a.ts", "../cli/b.ts"],
  ["server/a.ts", "../host/b.ts"],
  ["cli/a.ts", "../host/main.ts"],
  ["renderer/app/a.tsx", "../../host/settings.ts"],
  ["renderer/app/a.tsx", "../../preload/main.ts"],
  ["main/a.ts", "../renderer/main.tsx"],
])("%s may not import %s", (path, specifier) => {
  expect(forbiddenImports(path, `import { x } from "${specifier}";`)).toHaveLength(1);
  expect(forbiddenImports(path, `const x = await import("${specifier}");`)).toHaveLength(1);
});

test("the contract runs in browsers too", () => {
  expect(forbiddenImports("contract/a.ts", 'import { join } from "node:path";')).toHaveLength(1);
  expect(forbiddenImports("lib/a.ts", 'import { join } from "node:path";')).toEqual([]);
});

test("a folder that nobody decided about is refused", () => {
  expect(forbiddenImports("newcomer/a.ts", "")).toHaveLength(1);
});

test("the engine may import the driver's interface", () => {
  expect(forbiddenImports("engine/a.ts", 'import type { MachineDriver } from "../vm/driver.ts";')).toEqual([]);
});

test("the sources keep to their layers", () => {
  expect(checkLayers(new URL("../../src", import.meta.url).pathname)).toEqual([]);
});
