import { type ClientHttp2Stream, constants } from "node:http2";
import { PassThrough } from "node:stream";

/**
 * Makes an answer readable to its end also when all of it came before anybody read. Node's iterator over an HTTP/2
 * stream takes one that the peer has ended for one that broke: https://github.com/nodejs/node/issues/65677
 */
export function wholeAnswer(stream: ClientHttp2Stream): ClientHttp2Stream {
  const body = new PassThrough();
  stream.pipe(body, { end: false });
  // A stream that was reset ends too, in Node's eyes.
  const finish = (): void => void (stream.readableEnded && isWhole(stream) ? body.end() : body.destroy(new Error("the answer broke off")));
  stream.once("end", finish);
  stream.once("close", finish);
  stream.once("error", (error) => body.destroy(error));
  body.on("error", () => undefined);
  body.once("close", () => stream.readableEnded || stream.close(constants.NGHTTP2_CANCEL));
  return Object.assign(stream, { [Symbol.asyncIterator]: () => body[Symbol.asyncIterator]() });
}

function isWhole({ rstCode }: ClientHttp2Stream): boolean {
  return rstCode === undefined || rstCode === constants.NGHTTP2_NO_ERROR;
}
