import fc from "fast-check";
import { expect, test } from "vitest";
import { OrderedInput } from "./ordered-input.ts";

const text = (pieces: readonly Uint8Array[]): string => pieces.map((piece) => Buffer.from(piece).toString()).join("");

test("pieces in any order, some of them twice, come out once and in order", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([...Array(40).keys()], { minLength: 40 }), fc.array(fc.nat(39)), (order, again) => {
      const input = new OrderedInput();
      const out = [...order, ...again].map((n) => text(input.accept("a", n + 1, Buffer.from(`${n} `)))).join("");
      expect(out).toBe([...Array(40).keys()].map((n) => `${n} `).join(""));
    }),
  );
});

test("writers do not wait for each other", () => {
  const input = new OrderedInput();
  expect(text(input.accept("a", 2, Buffer.from("2")))).toBe("");
  expect(text(input.accept("b", 1, Buffer.from("b")))).toBe("b");
  expect(text(input.accept("a", 1, Buffer.from("1")))).toBe("12");
});

test("what is kept for a piece that never comes is bounded", () => {
  const input = new OrderedInput();
  const accept = (): void => {
    for (let n = 2; n < 1000; n++) input.accept("a", n, Buffer.from("x"));
  };
  expect(accept).toThrow(RangeError);
});
