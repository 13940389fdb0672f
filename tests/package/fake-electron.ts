import { createPackage } from "@electron/asar";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SENTINEL } from "@electron/fuses/dist/constants.js";

/** As many fuses as Electron has, all as Electron ships them. */
const shippedFuses = "101010101";

/**
 * What an unpacked Electron looks like from outside, for packing without one: its files by name, and a binary that
 * holds the fuses but cannot run.
 */
export async function makeFakeElectron(folder: string): Promise<void> {
  mkdirSync(join(folder, "locales"), { recursive: true });
  mkdirSync(join(folder, "resources"), { recursive: true });
  const wire = Buffer.concat([Buffer.from(SENTINEL), Buffer.from([1, shippedFuses.length]), Buffer.from(shippedFuses)]);
  const stub = Buffer.from("#!/bin/sh\necho 'this is not Electron' >&2\nexit 1\n");
  writeFileSync(join(folder, "electron"), Buffer.concat([stub, Buffer.alloc(64), wire, Buffer.alloc(64)]), { mode: 0o755 });
  for (const name of ["LICENSE", "LICENSES.chromium.html", "version", "chrome-sandbox", "icudtl.dat", "resources.pak"])
    writeFileSync(join(folder, name), name);
  for (const locale of ["en-US", "de", "fr"]) writeFileSync(join(folder, "locales", `${locale}.pak`), locale);
  const defaultApp = join(folder, "default_app");
  mkdirSync(defaultApp);
  writeFileSync(join(defaultApp, "main.js"), "");
  await createPackage(defaultApp, join(folder, "resources/default_app.asar"));
  rmSync(defaultApp, { recursive: true });
}
