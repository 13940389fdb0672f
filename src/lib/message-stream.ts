import { Duplex } from "node:stream";
import type { Piece } from "./pieces.ts";

/** A byte stream inside a call: pieces go out as messages, and come as those of the answer. */
export interface MessageStreamOptions {
  readonly answers: AsyncIterator<{ readonly message: { readonly case: string | undefined; readonly value?: unknown } }>;
  /** Resolves when there is room for more. */
  readonly send: (piece: Piece) => Promise<void>;
  /** Ends the call. */
  readonly close: () => void;
}

/** What a call carries as a Node stream; it fails as the call does. */
export function messageStream({ answers, send, close }: MessageStreamOptions): Duplex {
  const sent = (piece: Piece, done: (error?: Error) => void): void =>
    void send(piece).then(
      () => done(),
      (error: unknown) => done(asError(error)),
    );
  return new Duplex({
    allowHalfOpen: true,
    read() {
      answers.next().then(
        (next) => {
          if (next.done === true || next.value.message.case === "end") this.push(null);
          else if (next.value.message.case === "data" && next.value.message.value instanceof Uint8Array)
            this.push(Buffer.from(next.value.message.value));
          else this.read();
        },
        (error: unknown) => this.destroy(asError(error)),
      );
    },
    write(chunk: Buffer, _encoding, done) {
      sent({ case: "data", value: chunk }, done);
    },
    final(done) {
      sent({ case: "end", value: true }, done);
    },
    destroy(error, done) {
      close();
      done(error);
    },
  });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
