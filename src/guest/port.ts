import { close, constants, open, read, write } from "node:fs";
import { createServer } from "node:net";
import { Duplex } from "node:stream";

/** How long to wait before looking again whether a host has connected to the port. */
const hostAwayRetryMs = 50;
const readBufferBytes = 64 * 1024;

/**
 * The host's byte stream on a virtio-serial port. The port stays open for ever: a host that goes away
 * reads as end of file, which is no end here, because the next host continues on the same port.
 */
class CharacterDevice extends Duplex {
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafe(readBufferBytes);

  constructor(fd: number) {
    super({ allowHalfOpen: true });
    this.#fd = fd;
  }

  override _read(): void {
    read(this.#fd, this.#buffer, 0, readBufferBytes, null, (error, count) => {
      if (error !== null && error.code !== "EAGAIN") return this.destroy(error);
      if (error !== null || count === 0) return void setTimeout(() => this._read(), hostAwayRetryMs);
      this.push(Buffer.from(this.#buffer.subarray(0, count)));
    });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    write(this.#fd, chunk, 0, chunk.length, null, (error, count) => {
      if (error !== null && (error.code === "EAGAIN" || error.code === "EPIPE"))
        return void setTimeout(() => this._write(chunk, "binary", done), hostAwayRetryMs);
      if (error !== null) return done(error);
      if (count < chunk.length) return this._write(chunk.subarray(count), "binary", done);
      done();
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    close(this.#fd, () => done(error));
  }
}

/** Calls `onWire` with the host's byte stream: once for a device, once a connection for a `unix:` socket. */
export async function openPort(port: string, onWire: (wire: Duplex) => void): Promise<void> {
  if (port.startsWith("unix:")) {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      onWire(socket);
    });
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port.slice("unix:".length), resolve));
    return;
  }
  const fd = await new Promise<number>((resolve, reject) => {
    open(port, constants.O_RDWR, (error, opened) => (error === null ? resolve(opened) : reject(error)));
  });
  onWire(new CharacterDevice(fd));
}
