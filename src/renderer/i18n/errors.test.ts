import { expect, test } from "vitest";
import { errorCatalogue } from "../../contract/error-catalogue.ts";
import { errorText } from "./errors.ts";

const codes = Object.keys(errorCatalogue);

test("a failure is told in the person's language, and nobody in a window is sent to the command line", () => {
  expect(errorText("name-taken", "de").title).toBe("Der Name ist vergeben");
  expect(errorText("name-taken", "en").title).toBe(errorCatalogue["name-taken"].title);
  for (const code of codes) expect(errorText(code, "en").whatToTry, code).not.toMatch(/\bberth [a-z]|npm start|--[a-z]+ /);
});

test("German tells of every failure", () => {
  for (const code of codes) expect(errorText(code, "de").title, code).not.toBe(errorText(code, "en").title);
});

test("a code of a newer host reads as a fault of ours", () => {
  expect(errorText("of-the-future", "de").title).toBe("In Berth ging etwas schief");
});
