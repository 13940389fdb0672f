const firstCapacityBytes = 16 * 1024;
const lineFeed = 0x0a;

/** The last bytes of an endless stream, each known by its offset since the stream's beginning. */
export class ByteRing {
  readonly #limitBytes: number;
  #buffer: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Offset of the oldest byte that is kept. */
  get start(): number {
    return this.#start;
  }

  /** Offset after the newest byte. */
  get end(): number {
    return this.#end;
  }

  /** Adds bytes and drops the oldest beyond the limit. */
  append(data: Uint8Array): void {
    const kept = data.length > this.#limitBytes ? data.subarray(data.length - this.#limitBytes) : data;
    this.#makeRoom(kept.length);
    this.#end += data.length - kept.length;
    this.#put(kept, this.#end);
    this.#end += kept.length;
    this.#start = Math.max(this.#start, this.#end - this.#buffer.length);
  }

  /** A copy of at most `maxBytes` from an offset on, which must be one that is kept. */
  read(offset: number, maxBytes: number): Buffer {
    if (offset < this.#start || offset > this.#end) throw new RangeError(`offset ${offset} is not kept`);
    const length = Math.min(maxBytes, this.#end - offset);
    if (length === 0) return Buffer.alloc(0);
    const at = offset % this.#buffer.length;
    const first = this.#buffer.subarray(at, at + length);
    return Buffer.concat([first, this.#buffer.subarray(0, length - first.length)]);
  }

  /** Where a reader that lost bytes goes on: at the first line that is kept whole, if it begins within `searchBytes`. */
  lineStart(searchBytes: number): number {
    if (this.#start === 0) return 0;
    const at = this.read(this.#start, searchBytes).indexOf(lineFeed);
    return at < 0 ? this.#start : this.#start + at + 1;
  }

  #makeRoom(addedBytes: number): void {
    const wanted = Math.min(this.#end - this.#start + addedBytes, this.#limitBytes);
    if (wanted <= this.#buffer.length) return;
    const kept = this.read(this.#start, this.#end - this.#start);
    let capacity = Math.max(firstCapacityBytes, this.#buffer.length);
    while (capacity < wanted) capacity *= 2;
    this.#buffer = Buffer.alloc(Math.min(capacity, this.#limitBytes));
    this.#put(kept, this.#start);
  }

  #put(data: Uint8Array, offset: number): void {
    const at = offset % this.#buffer.length;
    const first = data.subarray(0, this.#buffer.length - at);
    this.#buffer.set(first, at);
    this.#buffer.set(data.subarray(first.length), 0);
  }
}
