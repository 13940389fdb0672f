import fc from "fast-check";
import { once } from "node:events";
import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { linkKeyBytes, linkNonceBytes, MarkerScanner, openLink, serveLink } from "./link.ts";
import { wirePair } from "./wire-pair.ts";

const key = Buffer.from(Array.from({ length: linkKeyBytes }, (_, i) => (i < 4 ? 1 : i)));
const nonceOf = (n: number): Buffer => Buffer.alloc(linkNonceBytes, n);

const isMarker = (piece: Buffer): boolean => piece.length === linkKeyBytes + linkNonceBytes && piece.subarray(0, linkKeyBytes).equals(key);

test("a scanner finds every marker and loses no byte, however the stream is cut", () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 80 }).map((data) => Buffer.from(data)),
    fc.integer({ min: 1, max: linkKeyBytes - 1 }).map((n) => Buffer.concat([key.subarray(0, n), Buffer.from([255])])),
    fc.integer({ min: 0, max: 255 }).map((n) => Buffer.concat([key, nonceOf(n)])),
  );
  fc.assert(
    fc.property(fc.array(piece), fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (pieces, cuts) => {
      const stream = Buffer.concat(pieces);
      const scanner = new MarkerScanner(key);
      /** What each session got; a marker begins the next. */
      const sessions: Buffer[] = [Buffer.alloc(0)];
      for (let at = 0, i = 0; at < stream.length; i++) {
        const size = cuts[i % cuts.length] ?? 1;
        for (const part of scanner.push(stream.subarray(at, at + size))) {
          if ("nonce" in part) sessions.push(Buffer.alloc(0));
          else sessions.push(Buffer.concat([sessions.pop() ?? Buffer.alloc(0), part.data]));
        }
        at += size;
      }
      const expected: Buffer[] = [Buffer.alloc(0)];
      for (const one of pieces) expected.push(isMarker(one) ? Buffer.alloc(0) : Buffer.concat([expected.pop() ?? Buffer.alloc(0), one]));
      expect(sessions.length).toBe(expected.length);
      for (const [i, session] of sessions.entries()) {
        const own = expected[i] ?? Buffer.alloc(0);
        expect(session.subarray(0, own.length)).toEqual(own);
        // Of the marker that ends a session it may get a part of the key.
        const rest = session.subarray(own.length);
        expect(rest.equals(key.subarray(0, rest.length))).toBe(true);
        if (i === sessions.length - 1) expect(rest.length).toBe(0);
      }
    }),
  );
});

test("what could begin a marker is not held back: the peer may wait for an answer to it", () => {
  const scanner = new MarkerScanner(key);
  const data = Buffer.concat([Buffer.from("a message"), key.subarray(0, 1)]);
  expect(scanner.push(data)).toEqual([{ data }]);
  expect(scanner.push(Buffer.concat([key.subarray(1), nonceOf(7)]))).toEqual([{ nonce: nonceOf(7), key }]);
});

test("a new session starts clean after one that was torn in the middle, again and again", async () => {
  const [hostWire, guestWire] = wirePair();
  serveLink(guestWire, key, (session) => session.on("data", (chunk: Buffer) => session.write(chunk)));
  guestWire.write("bytes of an older host's session");
  for (let round = 1; round <= 20; round++) {
    const session = await openLink(hostWire, key, nonceOf(round), AbortSignal.timeout(5000));
    session.write(`round ${round} torn `);
    const echoed = await new Promise<string>((resolve) => session.once("data", (chunk: Buffer) => resolve(chunk.toString())));
    expect(echoed).toBe(`round ${round} torn `);
    session.write("bytes nobody will read");
    session.destroy();
  }
});

test("gives up when the machine never answers", async () => {
  const silent = new Duplex({ read() {}, write: (_c, _e, done) => done() });
  await expect(openLink(silent, key, nonceOf(1), AbortSignal.timeout(20))).rejects.toThrow();
});

test("a key's successor begins sessions too, and alone from its first one on", async () => {
  const [hostWire, guestWire] = wirePair();
  const next = Buffer.alloc(linkKeyBytes, 9);
  let used = 0;
  // What it says is not what it was told, for a marker that it does not know is data to it.
  const link = serveLink(guestWire, key, (session) => session.on("data", () => session.write("hello")));
  link.addSuccessor(next, () => used++);
  const answers = async (begunWith: Buffer, round: number): Promise<boolean> => {
    const session = await openLink(hostWire, begunWith, nonceOf(round), AbortSignal.timeout(200)).catch(() => undefined);
    if (session === undefined) return false;
    session.write("anyone there?");
    const answer = await once(session, "data");
    session.destroy();
    return String(answer[0]) === "hello";
  };
  expect(await answers(key, 1)).toBe(true);
  expect(used).toBe(0);
  expect(await answers(next, 2)).toBe(true);
  expect(await answers(key, 3)).toBe(false);
  expect(await answers(next, 4)).toBe(true);
  expect(used).toBe(1);
});
