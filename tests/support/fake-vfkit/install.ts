import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Puts the stand-in as `vfkit` into a folder and gives a PATH on which it comes first. */
export function installFakeVfkit(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const main = join(import.meta.dirname, "main.ts");
  // A driver gives its hypervisor nothing of its own environment.
  const virtiofsd = process.env["BERTH_VIRTIOFSD"] ?? "";
  writeFileSync(join(folder, "vfkit"), `#!/bin/sh\nBERTH_VIRTIOFSD='${virtiofsd}' exec '${process.execPath}' '${main}' "$@"\n`, {
    mode: 0o755,
  });
  return `${folder}:${process.env["PATH"] ?? ""}`;
}
