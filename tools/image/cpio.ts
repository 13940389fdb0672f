/** What a cpio archive can hold here. `mode` includes the kind of file, as in stat(2). */
export interface CpioEntry {
  readonly path: string;
  readonly mode: number;
  readonly data?: Uint8Array;
  /** Of a device file. */
  readonly device?: { readonly major: number; readonly minor: number };
}

/** An archive in the `newc` format, which the kernel unpacks: entries in the order given, all owned by root. */
export function cpioArchive(entries: readonly CpioEntry[], mtimeSeconds: number): Buffer {
  const parts = entries.map((entry, index) => record(entry, index + 1, mtimeSeconds));
  const archive = Buffer.concat([...parts, record({ path: "TRAILER!!!", mode: 0 }, 0, 0)]);
  return Buffer.concat([archive, Buffer.alloc(-archive.length & 511)]);
}

function record({ path, mode, data = new Uint8Array(), device = { major: 0, minor: 0 } }: CpioEntry, inode: number, mtimeSeconds: number) {
  const name = Buffer.from(`${path}\0`);
  const links = (mode & 0o170000) === 0o040000 ? 2 : 1;
  const fields = [inode, mode, 0, 0, links, mtimeSeconds, data.length, 0, 0, device.major, device.minor, name.length, 0];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`);
  const head = Buffer.concat([header, name]);
  return Buffer.concat([head, Buffer.alloc(-head.length & 3), data, Buffer.alloc(-data.length & 3)]);
}
