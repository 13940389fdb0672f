import { Duplex } from "node:stream";

/** One end of a wire within this process. */
class WireEnd extends Duplex {
  #other: WireEnd | undefined;
  #whenRead: (() => void) | undefined;

  static pair(): [WireEnd, WireEnd] {
    const [one, two] = [new WireEnd(), new WireEnd()];
    one.#other = two;
    two.#other = one;
    return [one, two];
  }

  override _read(): void {
    const whenRead = this.#whenRead;
    this.#whenRead = undefined;
    whenRead?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    setImmediate(() => {
      const other = this.#other;
      if (other === undefined || other.destroyed || other.push(chunk)) return done();
      other.#whenRead = done;
    });
  }

  override _final(done: () => void): void {
    setImmediate(() => {
      if (this.#other?.destroyed === false) this.#other.push(null);
      done();
    });
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this._read();
    done(error);
  }
}

/**
 * Two ends of one wire, as a socket has them. Nothing arrives while it is still being written, unlike with Node's
 * duplexPair: an HTTP/2 session aborts the process when an answer comes within its own write.
 */
export function wirePair(): [Duplex, Duplex] {
  return WireEnd.pair();
}
