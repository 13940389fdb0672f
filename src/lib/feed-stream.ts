import type { Duplex } from "node:stream";

/** What a Dial stream carries into what it names: bytes, and the end of them. */
interface DialMessage {
  readonly message: { readonly case: string | undefined; readonly value?: unknown };
}

/** Resolves when a stream takes more, or nothing any more. */
async function room(stream: Duplex): Promise<void> {
  if (stream.destroyed) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stream.off("drain", done);
      stream.off("close", done);
      resolve();
    };
    stream.on("drain", done).on("close", done);
  });
}

/** Writes the data of the messages that are left to a stream, no faster than it takes them, and ends it with them. */
export async function feedStream(input: AsyncIterator<DialMessage>, stream: Duplex): Promise<void> {
  try {
    for (let next = await input.next(); next.done !== true; next = await input.next()) {
      const { message } = next.value;
      if (message.case === "data" && message.value instanceof Uint8Array && !stream.write(message.value)) await room(stream);
      if (message.case === "end") stream.end();
    }
    stream.end();
  } catch {
    // Who sent it went away; what it was joined with learns it by the end.
    stream.destroy();
  }
}
