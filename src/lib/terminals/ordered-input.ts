/** Pieces of one writer that may wait for one that is missing before them. */
const maxAhead = 64;
/** Writers whose place is remembered; the one that wrote longest ago is forgotten first. */
const maxWriters = 64;

interface Writer {
  next: number;
  readonly ahead: Map<number, Uint8Array>;
}

/** Puts numbered pieces of several writers into each writer's order; a piece that comes twice counts once. */
export class OrderedInput {
  readonly #writers = new Map<string, Writer>();

  /** The pieces that are due now. Fails with a RangeError when a piece is too far ahead of what is missing. */
  accept(writerId: string, sequence: number, data: Uint8Array): Uint8Array[] {
    const writer = this.#writers.get(writerId) ?? { next: 1, ahead: new Map<number, Uint8Array>() };
    if (sequence >= writer.next + maxAhead) throw new RangeError(`piece ${writer.next} of this writer is missing`);
    // Inserted again, so that the map's order is the order of use.
    this.#writers.delete(writerId);
    this.#writers.set(writerId, writer);
    const [oldest] = this.#writers.keys();
    if (this.#writers.size > maxWriters && oldest !== undefined) this.#writers.delete(oldest);
    if (sequence >= writer.next) writer.ahead.set(sequence, data);
    const due: Uint8Array[] = [];
    for (let piece = writer.ahead.get(writer.next); piece !== undefined; piece = writer.ahead.get(writer.next)) {
      due.push(piece);
      writer.ahead.delete(writer.next);
      writer.next++;
    }
    return due;
  }
}
