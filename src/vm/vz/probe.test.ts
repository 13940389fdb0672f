import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { DriverProbe } from "../driver.ts";
import { probeVfkit } from "./probe.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "berth-vfkit-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function probeOf(script: string | undefined): Promise<DriverProbe> {
  if (script !== undefined) writeFileSync(join(folder, "vfkit"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return probeVfkit({ path: folder, extraFolders: [], platform: "linux" }, new AbortController().signal);
}

test("a vfkit that is missing, too old, or broken is told with what to do", async () => {
  expect(await probeOf(undefined)).toMatchObject({ usable: false, fix: "brew install vfkit" });
  for (const version of ["0.5.9", "0.6.1"])
    expect(await probeOf(`echo vfkit version: v${version}`)).toMatchObject({
      usable: false,
      version,
      reason: expect.stringContaining("0.6.2"),
      fix: "brew upgrade vfkit",
    });
  expect(await probeOf("echo vfkit version:")).toMatchObject({ usable: false });
  expect(await probeOf("exit 1")).toMatchObject({ usable: false, fix: "brew reinstall vfkit" });
});

test("0.6.2 and what comes after it will do", async () => {
  for (const version of ["0.6.2", "0.6.4", "0.7.0", "1.0.0"])
    expect(await probeOf(`echo vfkit version: v${version}`)).toEqual({ usable: true, accelerator: "vz", reason: "", fix: "", version });
});
