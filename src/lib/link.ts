import { randomBytes } from "node:crypto";
import { Duplex } from "node:stream";

/** Bytes of the key that both ends of a link know; see `AgentStream.linkKey`. */
export const linkKeyBytes = 32;
/** Bytes of the number that tells one session on a link from the one before. */
export const linkNonceBytes = 16;

/**
 * Finds the marker `key + nonce` in a stream of arbitrary chunks. Bytes before a marker belong to the session
 * before it. None of them is held back, even where a marker may begin: the peer may wait for an answer to them
 * before it sends more, and that a session which a marker ends gets a part of the key does no harm.
 */
export class MarkerScanner {
  /** One, or two while the second has not taken the first one's place yet. */
  #keys: readonly Buffer[];
  /** The end of what came that could begin a marker: a part of the key, or the key and a part of the nonce. */
  #begun: Buffer = Buffer.alloc(0);

  constructor(key: Uint8Array) {
    this.#keys = [checkedKey(key)];
  }

  /** From the first marker with this key on it is the only one. */
  addSuccessor(key: Uint8Array): void {
    this.#keys = [...this.#keys.slice(0, 1), checkedKey(key)];
  }

  /** Splits what came so far into data and markers, in order. */
  push(chunk: Buffer): ({ readonly data: Buffer } | { readonly nonce: Buffer; readonly key: Buffer })[] {
    let input = this.#begun.length === 0 ? chunk : Buffer.concat([this.#begun, chunk]);
    // A part of a key was given out as data when it came.
    let told = this.#begun.length < linkKeyBytes ? this.#begun.length : 0;
    const parts: ({ data: Buffer } | { nonce: Buffer; key: Buffer })[] = [];
    for (;;) {
      const found = this.#findKey(input);
      if (found === undefined) break;
      const { at, key } = found;
      if (at > told) parts.push({ data: input.subarray(told, at) });
      const end = at + linkKeyBytes + linkNonceBytes;
      if (input.length < end) {
        this.#begun = Buffer.from(input.subarray(at));
        return parts;
      }
      this.#keys = this.#keys.slice(this.#keys.indexOf(key));
      parts.push({ nonce: Buffer.from(input.subarray(at + linkKeyBytes, end)), key });
      input = input.subarray(end);
      told = 0;
    }
    this.#begun = Buffer.from(input.subarray(input.length - this.#partialKeyLength(input)));
    if (input.length > told) parts.push({ data: input.subarray(told) });
    return parts;
  }

  #findKey(input: Buffer): { readonly at: number; readonly key: Buffer } | undefined {
    return this.#keys
      .map((key) => ({ at: input.indexOf(key), key }))
      .filter(({ at }) => at >= 0)
      .reduce<{ at: number; key: Buffer } | undefined>(
        (first, next) => (first === undefined || next.at < first.at ? next : first),
        undefined,
      );
  }

  /** How many bytes at the end of the input could begin a key. */
  #partialKeyLength(input: Buffer): number {
    for (let length = Math.min(linkKeyBytes - 1, input.length); length > 0; length--) {
      const first = input[input.length - length];
      for (const key of this.#keys)
        if (first === key[0] && input.subarray(input.length - length).equals(key.subarray(0, length))) return length;
    }
    return 0;
  }
}

function checkedKey(key: Uint8Array): Buffer {
  if (key.length !== linkKeyBytes) throw new RangeError(`a link key has ${linkKeyBytes} bytes, not ${key.length}`);
  return Buffer.from(key);
}

/** One session on a link, as the stream that HTTP/2 runs on. */
export class SessionStream extends Duplex {
  readonly #wire: Duplex;
  /** Once this is false, what arrives is thrown away, and what has arrived and was not read yet too. */
  accepts: () => boolean = () => true;
  #resume: (() => void) | undefined;

  constructor(wire: Duplex) {
    super({ allowHalfOpen: false });
    this.#wire = wire;
  }

  /** False when the reader is behind; `whenRead` is then called once it has caught up. */
  receive(data: Buffer, whenRead: () => void): boolean {
    if (this.push(data)) return true;
    this.#resume = whenRead;
    return false;
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    return event === "data" && !this.accepts() ? false : super.emit(event, ...args);
  }

  override _read(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#wire.destroyed) return done(new Error("the link is gone"));
    if (this.#wire.write(chunk)) return done();
    const finish = (): void => {
      this.#wire.off("drain", finish);
      this.#wire.off("close", finish);
      this.off("close", finish);
      done();
    };
    this.#wire.once("drain", finish);
    this.#wire.once("close", finish);
    // A session that ends while the wire is stuck must not leave its callback waiting for ever.
    this.once("close", finish);
  }

  override _final(done: (error?: Error | null) => void): void {
    done();
  }
}

/**
 * The host's end: writes the marker with a fresh nonce, throws away everything until the answer to it,
 * and resolves with the session's stream. Destroying the stream leaves `wire` open.
 */
export async function openLink(wire: Duplex, key: Uint8Array, nonce: Uint8Array, signal: AbortSignal): Promise<SessionStream> {
  signal.throwIfAborted();
  const scanner = new MarkerScanner(key);
  const session = new SessionStream(wire);
  let answered = false;
  const opened = Promise.withResolvers<SessionStream>();
  const onData = (chunk: Buffer): void => {
    for (const part of scanner.push(chunk)) {
      if ("nonce" in part) {
        if (answered) session.destroy(new Error("the machine began another session"));
        else if (part.nonce.equals(nonce)) {
          answered = true;
          opened.resolve(session);
        }
      } else if (answered && !session.destroyed && !session.receive(part.data, () => wire.resume())) {
        wire.pause();
      }
    }
  };
  const onAbort = (): void => opened.reject(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
  const onClose = (): void => {
    opened.reject(new Error("the link closed before the machine answered"));
    session.destroy();
  };
  wire.on("data", onData);
  wire.once("close", onClose);
  wire.once("error", onClose);
  signal.addEventListener("abort", onAbort, { once: true });
  session.once("close", () => {
    wire.off("data", onData);
    wire.off("close", onClose);
    wire.off("error", onClose);
    wire.resume();
  });
  wire.write(Buffer.concat([key, nonce]));
  try {
    return await opened.promise;
  } catch (error) {
    session.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/**
 * The machine's end: calls `onSession` for every marker that arrives, after ending the session before it
 * and answering the marker. Data outside a session is thrown away. It begins with a marker that nobody asked
 * for: a host that still talks to the agent before this one sees at once that its session is over.
 */
export function serveLink(wire: Duplex, key: Uint8Array, onSession: (session: SessionStream) => void): ServedLink {
  wire.write(Buffer.concat([key, randomBytes(linkNonceBytes)]));
  const scanner = new MarkerScanner(key);
  let session: SessionStream | undefined;
  let successor: { readonly key: Uint8Array; readonly onUsed: () => void } | undefined;
  wire.on("data", (chunk: Buffer) => {
    for (const part of scanner.push(chunk)) {
      if ("nonce" in part) {
        session?.destroy();
        session = new SessionStream(wire);
        session.on("error", () => undefined);
        wire.resume();
        if (successor !== undefined && part.key.equals(successor.key)) {
          successor.onUsed();
          successor = undefined;
        }
        wire.write(Buffer.concat([part.key, part.nonce]));
        onSession(session);
      } else if (session !== undefined && !session.destroyed && !session.receive(part.data, () => wire.resume())) {
        // A marker must get through even when the old session's reader is stuck, so reading goes on.
        if (session.readableLength > maxUnreadBytes) session.destroy(new Error("the reader is too far behind"));
      }
    }
  });
  wire.once("close", () => session?.destroy());
  return {
    addSuccessor(next, onUsed) {
      scanner.addSuccessor(next);
      successor = { key: next, onUsed };
    },
  };
}

export interface ServedLink {
  /** Another key begins sessions too, and from its first one on, of which `onUsed` tells, it alone does. */
  addSuccessor(key: Uint8Array, onUsed: () => void): void;
}

/** HTTP/2's own flow control keeps unread data far below this; beyond it the peer is broken. */
const maxUnreadBytes = 64 * 1024 * 1024;
