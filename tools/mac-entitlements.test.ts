import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { entitlementsOf } from "./mac-entitlements.ts";

const app = "/out/mac-arm64/Berth.app/Contents";
const keys = (path: string): string[] =>
  [...readFileSync(join(import.meta.dirname, "../resources/entitlements", entitlementsOf(path)), "utf8").matchAll(/<key>(.+)<\/key>/g)].map(
    ([, key]) => key ?? "",
  );

test.each([
  [`${app}/Resources/vm/bin/vfkit`, ["com.apple.security.virtualization"]],
  [`${app}/Resources/vm/bin/qemu-system-aarch64`, ["com.apple.security.hypervisor", "com.apple.security.cs.allow-jit"]],
  [`${app}/Frameworks/Berth Helper (Renderer).app`, ["com.apple.security.cs.allow-jit"]],
  [`${app}/Frameworks/Berth Helper (Plugin).app/Contents/MacOS/Berth Helper (Plugin)`, ["com.apple.security.cs.allow-jit"]],
  ["/out/mac-arm64/Berth.app", ["com.apple.security.cs.allow-jit"]],
  [`${app}/Frameworks/Squirrel.framework`, []],
])("%s has the entitlements %j", (path, expected) => expect(keys(path)).toEqual(expected));

test("no file may load what was not signed, nor be debugged", () => {
  for (const name of ["Berth", "Berth Helper", "Berth Helper (Renderer)", "vfkit", "qemu-system-aarch64", "node"])
    expect(keys(name).filter((key) => /disable-library-validation|get-task-allow|dyld/.test(key))).toEqual([]);
});
