import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { driverKind } from "./choose-driver.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-choose-"));
const withVfkit = join(folder, "bin");
mkdirSync(withVfkit);
writeFileSync(join(withVfkit, "vfkit"), "", { mode: 0o755 });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const mac = { platform: "darwin", arch: "arm64" } as const;

test("a Mac with Apple silicon and vfkit uses Apple's framework, every other computer QEMU", () => {
  expect(driverKind({ PATH: withVfkit }, mac)).toBe("vz");
  expect(driverKind({ PATH: withVfkit }, { ...mac, arch: "x64" })).toBe("qemu");
  expect(driverKind({ PATH: withVfkit }, { platform: "linux", arch: "arm64" })).toBe("qemu");
});

test("a person's own choice comes first, and a driver that does not exist is no choice", () => {
  expect(driverKind({ PATH: withVfkit, BERTH_DRIVER: "qemu" }, mac)).toBe("qemu");
  expect(driverKind({ PATH: folder, BERTH_DRIVER: "vz" }, { platform: "linux", arch: "x64" })).toBe("vz");
  expect(driverKind({ PATH: folder, BERTH_DRIVER: "nonsense" }, { platform: "linux", arch: "x64" })).toBe("qemu");
});
