import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPackage, extractAll } from "@electron/asar";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkPackage } from "../../tools/check-package.ts";
import { makeFakeElectron } from "./fake-electron.ts";

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "berth-package-"));
const unpacked = join(root, "dist/package/linux-unpacked");
let output = "";

beforeAll(async () => {
  await makeFakeElectron(join(folder, "electron"));
  const result = spawnSync(process.execPath, [join(root, "tools/package.ts"), "--x64", "--linux", "dir"], {
    cwd: root,
    encoding: "utf8",
    env: {
      ...process.env,
      BERTH_ELECTRON_DIST: join(folder, "electron"),
      // Whoever wants to fetch something finds no way.
      HTTPS_PROXY: "http://127.0.0.1:9",
      HTTP_PROXY: "http://127.0.0.1:9",
    },
  });
  output = result.stdout + result.stderr;
  if (result.status !== 0) throw new Error(output);
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the package is whole, and its check says how big each part is", async () => {
  expect((await checkPackage(unpacked)).faults).toEqual([]);
  expect(output).toMatch(/app\.asar +\d+\.\d MiB/);
  expect(readdirSync(join(unpacked, "locales")).toSorted()).toEqual(["de.pak", "en-US.pak"]);
  expect(existsSync(join(unpacked, "berth"))).toBe(true);
});

test("the check finds a fuse that is on, a modified archive and what does not belong in it", async () => {
  const copy = join(folder, "copy");
  cpSync(unpacked, copy, { recursive: true });
  const binary = readFileSync(join(copy, "berth"));
  const at = binary.indexOf("dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX") + 34;
  binary[at] = "1".charCodeAt(0);
  writeFileSync(join(copy, "berth"), binary);
  const asar = join(copy, "resources/app.asar");
  extractAll(asar, join(folder, "app"));
  writeFileSync(join(folder, "app/main.mjs.map"), "{}");
  writeFileSync(join(folder, "app/main.mjs"), 'import x from "vitest";\n//# sourceMappingURL=main.mjs.map\n');
  rmSync(join(folder, "app/preload.cjs"));
  await createPackage(join(folder, "app"), asar);
  const { faults } = await checkPackage(copy);
  expect(faults).toEqual(
    expect.arrayContaining([
      "the fuse RunAsNode is not off",
      "the archive lacks /preload.cjs",
      "the archive holds /main.mjs.map",
      "/main.mjs names a source map",
      "/main.mjs needs vitest, which is not in the archive",
    ]),
  );
});
