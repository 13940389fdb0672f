import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const script = readFileSync(join(import.meta.dirname, "../../resources/guest/root/usr/lib/berth/migrate-data"), "utf8");
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-migrate-"));
  for (const name of ["disk", "migrations"]) mkdirSync(join(folder, name));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs it on a folder as if that were the disk of a machine whose image knows `wanted`. */
function migrate(wanted: number, age = ""): { readonly status: number | null; readonly said: string } {
  writeFileSync(join(folder, "wanted"), `${wanted}\n`);
  const here = script
    .replaceAll("/usr/share/berth/data-schema", join(folder, "wanted"))
    .replaceAll("/usr/lib/berth/migrations", join(folder, "migrations"))
    .replaceAll("/data", join(folder, "disk"));
  const { status, stdout } = spawnSync("sh", ["-c", here, "migrate-data", age], { encoding: "utf8" });
  return { status, said: stdout.trim() };
}

function migration(from: number, text: string): void {
  writeFileSync(join(folder, "migrations", String(from)), `#!/bin/sh\ncd ${join(folder, "disk")}\n${text}\n`, { mode: 0o755 });
}

const put = (name: string, text: string): void => writeFileSync(join(folder, "disk", name), text);
const get = (name: string): string => readFileSync(join(folder, "disk", name), "utf8").trim();

test("a new disk is of the newest schema and needs no migration", () => {
  migration(1, "exit 1");
  expect(migrate(2, "new")).toEqual({ status: 0, said: "" });
  expect(get("schema")).toBe("2");
});

test("a disk goes from one number to the next, and one without a number is of the first schema", () => {
  for (const from of [1, 2]) migration(from, `echo ${from} >> done`);
  expect(migrate(3).status).toBe(0);
  expect(get("schema")).toBe("3");
  expect(get("done").split("\n")).toEqual(["1", "2"]);
  expect(migrate(3).status).toBe(0);
  expect(get("done").split("\n")).toEqual(["1", "2"]);
  expect(readdirSync(join(folder, "disk")).toSorted()).toEqual(["done", "schema"]);
});

test("a migration that fails is told, and what was reached before it counts", () => {
  put("schema", "1\n");
  migration(1, "echo 1 >> done");
  migration(2, "exit 3");
  expect(migrate(3)).toEqual({ status: 1, said: "the data disk could not be brought from schema 2 to 3" });
  expect(get("schema")).toBe("2");
  expect(migrate(4).status).toBe(1);
});

test("a migration that was cut off is begun again", () => {
  put("schema", "1\n");
  migration(1, "echo begun >> done; [ -e cut ] || { touch cut; kill -9 $PPID; }");
  expect(migrate(2).status).not.toBe(0);
  expect(get("schema")).toBe("1");
  expect(migrate(2).status).toBe(0);
  expect(get("schema")).toBe("2");
});

test("a disk of a newer schema is refused and left as it is", () => {
  put("schema", "7\n");
  expect(migrate(2)).toEqual({ status: 1, said: "the data disk has schema 7, and this image knows 2" });
  expect(get("schema")).toBe("7");
});
