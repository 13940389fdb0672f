import { join } from "node:path";
import { expect, test } from "vitest";
import { collectLicences } from "./licences.ts";

const { packages, texts } = collectLicences(join(import.meta.dirname, ".."));
const names = packages.map((p) => p.name);

test("it names what ships and leaves out what only builds it", () => {
  expect(names).toEqual(expect.arrayContaining(["react", "@connectrpc/connect", "zod", "tailwindcss", "electron"]));
  for (const builder of ["vite", "typescript", "vitest", "@types/react", "electron-builder"]) expect(names).not.toContain(builder);
});

test("every package has a licence that allows shipping it", () => {
  const allowed = /^\(?(?:MIT|Apache-2\.0|ISC|BSD-[23]-Clause|0BSD|BlueOak-1\.0\.0|Python-2\.0|CC0-1\.0|Unlicense)\b/;
  expect(packages.filter((p) => !allowed.test(p.licence))).toEqual([]);
});

test("texts are whole and kept once", () => {
  expect(new Set(texts).size).toBe(texts.length);
  const react = packages.find((p) => p.name === "react");
  expect(texts[react?.text ?? -1]).toMatch(/^MIT License[\s\S]+Permission is hereby granted/);
});
