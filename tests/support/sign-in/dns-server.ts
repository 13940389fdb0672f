import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

const headerBytes = 12;
const typeTxt = 16;

/** A DNS server on loopback that knows TXT records alone (RFC 1035 §4). */
export class DnsServer {
  /** Texts by name. */
  readonly records = new Map<string, string[]>();
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (query, { port, address }) => socket.send(this.#answer(query), port, address));
  }

  static async start(): Promise<DnsServer> {
    const socket = createSocket("udp4").bind(0, "127.0.0.1");
    await once(socket, "listening");
    return new DnsServer(socket);
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  end(): void {
    this.#socket.close();
  }

  #answer(query: Buffer): Buffer {
    const labels: string[] = [];
    let at = headerBytes;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.subarray(at + 1, at + 1 + length).toString());
      at += 1 + length;
    }
    const question = query.subarray(headerBytes, at + 5);
    const texts = query.readUInt16BE(at + 1) === typeTxt ? (this.records.get(labels.join(".").toLowerCase()) ?? []) : [];
    const header = Buffer.from(query.subarray(0, headerBytes));
    // An answer, recursion available; NXDOMAIN where there is nothing.
    header.writeUInt16BE(texts.length === 0 ? 0x81_83 : 0x81_80, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(texts.length, 6);
    header.writeUInt32BE(0, 8);
    return Buffer.concat([header, question, ...texts.map(textRecord)]);
  }
}

function textRecord(text: string): Buffer {
  const fixed = Buffer.alloc(12);
  fixed.writeUInt16BE(0xc0_0c, 0);
  fixed.writeUInt16BE(typeTxt, 2);
  fixed.writeUInt16BE(1, 4);
  fixed.writeUInt32BE(60, 6);
  fixed.writeUInt16BE(text.length + 1, 10);
  return Buffer.concat([fixed, Buffer.from([text.length]), Buffer.from(text)]);
}
