import type { Readable } from "node:stream";

/** What one message of a byte stream through a gateway carries at most. */
export const maxPieceBytes = 64 * 1024;

/** Bytes of a stream, or that no more come. */
export type Piece = { readonly case: "data"; readonly value: Uint8Array } | { readonly case: "end"; readonly value: true };

/** What a stream says, in pieces that fit into messages, and its end. Fails as the stream does. */
export async function* piecesOf(stream: Readable): AsyncGenerator<Piece> {
  for await (const chunk of stream) {
    const bytes: Uint8Array = chunk;
    for (let start = 0; start < bytes.length; start += maxPieceBytes)
      yield { case: "data", value: bytes.subarray(start, start + maxPieceBytes) };
  }
  yield { case: "end", value: true };
}
