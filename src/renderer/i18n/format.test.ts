import { expect, test } from "vitest";
import { formatsOf } from "./format.ts";
import { languageOf } from "./strings.ts";

test("sizes, times and clocks read naturally in both languages", () => {
  const [en, de] = [formatsOf("en"), formatsOf("de")];
  expect(en.bytes(1536)).toBe("1.5 KB");
  expect(de.bytes(1536)).toBe("1,5 KB");
  expect(en.bytes(64 * 1024 ** 3)).toBe("64 GB");
  expect(en.clock(65_000)).toBe("1:05");
  expect(en.clock(3_725_000)).toBe("1:02:05");
  expect(en.ago(0, 3 * 3_600_000)).toBe("3 hr. ago");
  expect(en.ago(5, 0)).toBe("now");
  expect(de.ago(0, 86_400_000)).toBe("gestern");
});

test("the language follows the system where Berth speaks it", () => {
  expect(languageOf("system", ["fr-FR", "de-AT"])).toBe("de");
  expect(languageOf("system", ["ja"])).toBe("en");
  expect(languageOf("en", ["de"])).toBe("en");
});
