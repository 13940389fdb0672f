import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteRing } from "./byte-ring.ts";

const limitBytes = 50_000;

test("whatever is appended, the newest bytes are kept at their offsets", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.nat(200), fc.nat(30_000), fc.nat(120_000)), { maxLength: 20 }), (lengths) => {
      const ring = new ByteRing(limitBytes);
      const all: number[] = [];
      for (const [i, length] of lengths.entries()) {
        const piece = Buffer.alloc(length, i + 1);
        ring.append(piece);
        for (const byte of piece) all.push(byte);
        expect(ring.end).toBe(all.length);
        expect(ring.start).toBeLessThanOrEqual(Math.max(0, all.length - limitBytes));
        expect(ring.end - ring.start).toBeLessThanOrEqual(limitBytes);
        expect(ring.read(ring.start, limitBytes).equals(Buffer.from(all.slice(ring.start)))).toBe(true);
      }
    }),
    { numRuns: 60 },
  );
});

test("nothing is dropped before the limit", () => {
  const ring = new ByteRing(limitBytes);
  for (let i = 0; i < limitBytes / 100; i++) ring.append(Buffer.alloc(100, i));
  expect(ring.start).toBe(0);
  ring.append(Buffer.from("x"));
  expect(ring.start).toBe(1);
});

test("a reader that lost bytes goes on at the beginning of a line", () => {
  const ring = new ByteRing(20);
  ring.append(Buffer.from("first line\nsecond line\nthird\n"));
  expect(ring.read(ring.lineStart(20), 20).toString()).toBe("second line\nthird\n");
  expect(() => ring.read(0, 1)).toThrow(RangeError);
});
