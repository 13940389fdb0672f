/** Ethernet frames as a guest sends them that does as it likes (RFC 826, RFC 791, RFC 9293). */
const guestMac = Buffer.from("5a94efe40cee", "hex");
const guestAddress = "10.0.2.15";
const everybody = Buffer.alloc(6, 0xff);
const minFrameBytes = 42;

/** Asks for the hardware address of another one on the link. */
export function arpRequest(address: string): Buffer {
  const request = Buffer.from("0001080006040001", "hex");
  return frame(everybody, 0x0806, Buffer.concat([request, guestMac, octets(guestAddress), Buffer.alloc(6), octets(address)]));
}

/** Tells ours, when a frame asks for it. */
export function arpReplyTo(received: Buffer): Buffer | undefined {
  const asks = isArp(received) && received.readUInt16BE(20) === 1 && received.subarray(38, 42).equals(octets(guestAddress));
  if (!asks) return undefined;
  const reply = Buffer.from("0001080006040002", "hex");
  const asker = received.subarray(22, 28);
  return frame(asker, 0x0806, Buffer.concat([reply, guestMac, octets(guestAddress), asker, received.subarray(28, 32)]));
}

/** The hardware address that a frame answers arpRequest with. */
export function arpAnswer(received: Buffer): Buffer | undefined {
  return isArp(received) && received.readUInt16BE(20) === 2 ? Buffer.from(received.subarray(22, 28)) : undefined;
}

/** The first packet of a TCP connection to any address. */
export function tcpSyn(to: Buffer, address: string, port: number, fromPort: number): Buffer {
  const tcp = Buffer.alloc(20);
  tcp.writeUInt16BE(fromPort, 0);
  tcp.writeUInt16BE(port, 2);
  tcp.writeUInt32BE(1, 4);
  tcp.writeUInt16BE(0x5002, 12);
  tcp.writeUInt16BE(0xffff, 14);
  const pseudo = Buffer.concat([octets(guestAddress), octets(address), Buffer.from([0, 6, 0, tcp.length])]);
  tcp.writeUInt16BE(checksum(Buffer.concat([pseudo, tcp])), 16);
  const ip = Buffer.alloc(20);
  ip.writeUInt16BE(0x4500, 0);
  ip.writeUInt16BE(ip.length + tcp.length, 2);
  ip.writeUInt16BE(0x4006, 8);
  octets(guestAddress).copy(ip, 12);
  octets(address).copy(ip, 16);
  ip.writeUInt16BE(checksum(ip), 10);
  return frame(to, 0x0800, Buffer.concat([ip, tcp]));
}

function isArp(received: Buffer): boolean {
  return received.length >= minFrameBytes && received.readUInt16BE(12) === 0x0806;
}

function frame(to: Buffer, type: number, payload: Buffer): Buffer {
  const head = Buffer.concat([to, guestMac, Buffer.alloc(2)]);
  head.writeUInt16BE(type, 12);
  return Buffer.concat([head, payload]);
}

function octets(address: string): Buffer {
  return Buffer.from(address.split(".").map(Number));
}

/** The internet checksum of an even number of bytes (RFC 1071). */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
