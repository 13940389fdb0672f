/** A sequence longer than this is none that we heed. */
const maxSequenceBytes = 4096;
const maxTitleLength = 200;
const escape = 0x1b;
const bell = 0x07;
const bracket = 0x5d;

export type OscEvent = { readonly kind: "title"; readonly text: string } | { readonly kind: "working-directory"; readonly path: string };

/** Finds in a terminal's output what programs tell it of title (OSC 0, 2) and folder (OSC 7). */
export class OscScanner {
  /** A sequence whose end has not come yet. */
  #pending: Buffer = Buffer.alloc(0);

  push(chunk: Uint8Array): OscEvent[] {
    const data =
      this.#pending.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length) : Buffer.concat([this.#pending, chunk]);
    this.#pending = Buffer.alloc(0);
    const events: OscEvent[] = [];
    for (let at = data.indexOf(escape); at >= 0; at = data.indexOf(escape, at)) {
      const end = at + 1 === data.length ? undefined : data[at + 1] === bracket ? endOfSequence(data, at + 2) : at + 1;
      if (end === undefined) {
        if (data.length - at <= maxSequenceBytes) {
          this.#pending = Buffer.from(data.subarray(at));
          break;
        }
        at += 2;
        continue;
      }
      const event = data[at + 1] === bracket ? readSequence(data.subarray(at + 2, end)) : undefined;
      if (event !== undefined) events.push(event);
      at = end;
    }
    return events;
  }
}

/** The offset of what ends a sequence; undefined while it has not come. */
function endOfSequence(data: Buffer, from: number): number | undefined {
  for (let at = from; at < data.length && at - from < maxSequenceBytes; at++) {
    if (data[at] === bell) return at;
    if (data[at] === escape) return at + 1 === data.length ? undefined : at;
  }
  return undefined;
}

function readSequence(content: Buffer): OscEvent | undefined {
  const text = content.toString();
  const [, code, value = ""] = /^(\d+);([^]*)$/.exec(text) ?? [];
  if (code === "0" || code === "2") return { kind: "title", text: withoutControls(value).slice(0, maxTitleLength) };
  if (code === "7") {
    const path = pathOf(value);
    if (path !== undefined) return { kind: "working-directory", path };
  }
  return undefined;
}

function pathOf(url: string): string | undefined {
  const encoded = /^file:\/\/[^/]*(\/[^]*)$/.exec(url)?.[1];
  if (encoded === undefined) return undefined;
  try {
    const path = decodeURIComponent(encoded);
    return path === withoutControls(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** What a stranger's text may not carry into a window: control characters and those that turn its direction. */
export function withoutControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "");
}
