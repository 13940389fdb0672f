import fc from "fast-check";
import { expect, test } from "vitest";
import { type OscEvent, OscScanner } from "./osc-scanner.ts";

const output =
  "\u001b[1mbold\u001b[0m\u001b]0;first\u0007 text \u001b]2;zwei – ü\u001b\\\u001b]7;file://box/home/me/a%20b\u0007\u001b]8;;https://x.test\u0007link";

test("title and folder are found wherever the output is cut", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(Buffer.byteLength(output)), { maxLength: 30 }), (cuts) => {
      const scanner = new OscScanner();
      const bytes = Buffer.from(output);
      const events: OscEvent[] = [];
      let at = 0;
      for (const cut of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
        events.push(...scanner.push(bytes.subarray(at, cut)));
        at = cut;
      }
      expect(events).toEqual([
        { kind: "title", text: "first" },
        { kind: "title", text: "zwei – ü" },
        { kind: "working-directory", path: "/home/me/a b" },
      ]);
    }),
  );
});

test("a title carries no control characters and no change of direction, and is not long", () => {
  const [event] = new OscScanner().push(Buffer.from(`\u001b]0;a\u202eb\nc${"x".repeat(1000)}\u0007`));
  expect(event).toEqual({ kind: "title", text: `abc${"x".repeat(197)}` });
});

test("a sequence without an end neither hides what follows nor grows", () => {
  const scanner = new OscScanner();
  expect(scanner.push(Buffer.from(`\u001b]0;${"x".repeat(10_000)}`))).toEqual([]);
  expect(scanner.push(Buffer.from("\u001b]0;next\u0007"))).toEqual([{ kind: "title", text: "next" }]);
});
