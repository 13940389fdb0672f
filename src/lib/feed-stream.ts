import type { Duplex } from "node:stream";

/** What a Dial stream carries into what it names: bytes, and the end of them. */
interface DialMessage {
  readonly message: { readonly case: string | undefined; readonly value?: unknown };
}

/** Writes the data of the messages that are left to a stream, no faster than it takes them, and ends it with them. */
export async function feedStream(input: AsyncIterator<DialMessage>, stream: Duplex): Promise<void> {
  try {
    for (let next = await input.next(); next.done !== true; next = await input.next()) {
      const { message } = next.value;
      if (message.case === "data" && message.value instanceof Uint8Array && !stream.write(message.value))
        await new Promise<void>((resolve) => stream.once("drain", resolve).once("close", resolve));
      if (message.case === "end") stream.end();
    }
    stream.end();
  } catch {
    // Who sent it went away; what it was joined with learns it by the end.
    stream.destroy();
  }
}
