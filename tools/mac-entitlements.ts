import { basename } from "node:path";

/** Each program gets what it needs and nothing of the others: the page's process has no business with the hypervisor. */
const rules: readonly (readonly [pattern: RegExp, entitlements: string])[] = [
  [/^vfkit$/, "vfkit"],
  [/^qemu-system-(?:aarch64|x86_64)$/, "qemu"],
  [/^node$/, "node"],
  [/^Berth Helper \(Renderer\)(?:\.app)?$/, "helper-renderer"],
  [/^Berth Helper(?: \((?:GPU|Plugin)\))?(?:\.app)?$/, "helper"],
  [/^Berth(?:\.app)?$/, "app"],
];

/** The entitlements file, below resources/entitlements, of one file of the Mac app. */
export function entitlementsOf(path: string): string {
  return `${rules.find(([pattern]) => pattern.test(basename(path)))?.[1] ?? "none"}.plist`;
}
