import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FileDataDisk } from "./data-disk.ts";

const gibibyte = 1024 ** 3;
const signal = new AbortController().signal;
let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-disk-"));
  path = join(folder, "data.raw");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** 64 GiB of which a guest has written two places. */
async function makeDisk(text: string): Promise<void> {
  const file = await open(path, "w", 0o600);
  await file.truncate(64 * gibibyte);
  await file.write(text, 0);
  await file.write(text, 63 * gibibyte);
  await file.close();
}

async function textAt(file: string, position: number): Promise<string> {
  const disk = await open(file, "r");
  const { buffer } = await disk.read(Buffer.alloc(6), 0, 6, position);
  await disk.close();
  return buffer.toString();
}

test.each([true, false])("a copy holds what the disk held, takes no more space, and comes back (blocks shared: %s)", async (mayShare) => {
  const disk = new FileDataDisk(path, { mayShare });
  await makeDisk("before");
  await disk.copy("1", signal);
  const copy = `${path}.before-1`;
  expect(statSync(copy)).toMatchObject({ size: 64 * gibibyte });
  expect(statSync(copy).mode & 0o777).toBe(0o600);
  expect(statSync(copy).blocks).toBeLessThan(1000);
  const file = await open(path, "r+");
  await file.write("ruined", 0);
  await file.close();
  await disk.restore("1");
  expect([await textAt(path, 0), await textAt(path, 63 * gibibyte)]).toEqual(["before", "before"]);
  expect(existsSync(copy)).toBe(false);
  // Restored already: nothing more to do.
  await disk.restore("1");
  expect(await textAt(path, 0)).toBe("before");
});

test("a copy takes the place of an older one, and all of them go", async () => {
  const disk = new FileDataDisk(path);
  writeFileSync(path, "old");
  await disk.copy("1", signal);
  writeFileSync(path, "new");
  writeFileSync(`${path}.before-1.partial`, "of a host that was killed");
  await disk.copy("1", signal);
  expect(await readFile(`${path}.before-1`, "utf8")).toBe("new");
  await disk.copy("2", signal);
  await disk.dropCopies();
  await disk.dropCopies();
  expect(readdirSync(folder)).toEqual(["data.raw"]);
  await expect(disk.copy("../escape", signal)).rejects.toThrow();
});

test("a copy that is cancelled leaves nothing", async () => {
  await makeDisk("before");
  await expect(new FileDataDisk(path, { mayShare: false }).copy("1", AbortSignal.abort())).rejects.toThrow();
  expect(readdirSync(folder)).toEqual(["data.raw"]);
});

test.skipIf(process.getuid?.() !== 0)("without space for a copy it says how much is needed, and leaves nothing", async () => {
  mkdirSync(join(folder, "small"));
  expect(spawnSync("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", join(folder, "small")]).status).toBe(0);
  try {
    path = join(folder, "small/data.raw");
    await makeDisk("before");
    await expect(new FileDataDisk(path).copy("1", signal)).rejects.toMatchObject({
      code: "upgrade-needs-space",
      detail: expect.stringContaining("2.0 GiB are needed"),
    });
    expect(readdirSync(join(folder, "small"))).toEqual(["data.raw"]);
  } finally {
    spawnSync("umount", [join(folder, "small")]);
  }
});
