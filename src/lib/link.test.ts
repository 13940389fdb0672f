import { Duplex } from "node:stream";
import { wirePair } from "./wire-pair.ts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { linkKeyBytes, linkNonceBytes, MarkerScanner, openLink, serveLink } from "./link.ts";

const key = Buffer.from(Array.from({ length: linkKeyBytes }, (_, i) => (i < 4 ? 1 : i)));
const nonceOf = (n: number): Buffer => Buffer.alloc(linkNonceBytes, n);

test("a scanner finds every marker and loses no byte, however the stream is cut", () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 80 }).map((data) => Buffer.from(data)),
    fc.integer({ min: 1, max: linkKeyBytes - 1 }).map((n) => Buffer.concat([key.subarray(0, n), Buffer.from([255])])),
    fc.integer({ min: 0, max: 255 }).map((n) => Buffer.concat([key, nonceOf(n)])),
  );
  fc.assert(
    fc.property(fc.array(piece), fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (pieces, cuts) => {
      const stream = Buffer.concat([...pieces, Buffer.from([254])]);
      const scanner = new MarkerScanner(key);
      const out: Buffer[] = [];
      let markers = 0;
      for (let at = 0, i = 0; at < stream.length; i++) {
        const size = cuts[i % cuts.length] ?? 1;
        for (const part of scanner.push(stream.subarray(at, at + size))) {
          if ("nonce" in part) {
            markers++;
            out.push(key, part.nonce);
          } else out.push(Buffer.from(part.data));
        }
        at += size;
      }
      expect(Buffer.concat(out)).toEqual(stream);
      expect(markers).toBe(
        pieces.filter((p) => p.length === linkKeyBytes + linkNonceBytes && p.subarray(0, linkKeyBytes).equals(key)).length,
      );
    }),
  );
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
