import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { version } from "./version.ts";

test("it is the version of package.json", () => {
  expect(JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"))).toMatchObject({ version });
});
