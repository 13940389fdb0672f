import { Duplex } from "node:stream";

/**
 * Two ends of a byte stream that, as a socket, never delivers while its writer is still writing: Node's HTTP/2 gives
 * up the process when what it writes is answered within the same call, which `duplexPair` of node:stream does.
 */
export function simulatedWire(): [Duplex, Duplex] {
  const one = new WireEnd();
  const other = new WireEnd();
  one.other = other;
  other.other = one;
  return [one, other];
}

class WireEnd extends Duplex {
  other: WireEnd | undefined;
  #onRead: (() => void) | undefined;

  constructor() {
    super({ allowHalfOpen: false });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    setImmediate(() => this.other?.deliver(chunk, done));
  }

  /** The writer goes on once there is room. */
  deliver(chunk: Buffer, done: (error?: Error | null) => void): void {
    if (this.destroyed) done(new Error("the wire is cut"));
    else if (this.push(chunk)) done();
    else this.#onRead = done;
  }

  override _read(): void {
    const onRead = this.#onRead;
    this.#onRead = undefined;
    onRead?.();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this._read();
    setImmediate(() => this.other?.destroy());
    done(error);
  }
}
