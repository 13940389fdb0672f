import { writeFileAtomically } from "../../lib/atomic-file.ts";

/** berth-boot in the image looks for it in the first 16 bytes of the disk with deviceId `config`; the key follows. */
const magic = Buffer.from("berth-link-key/1");
/** A raw disk has whole sectors. */
const diskBytes = 64 * 1024;

/** The disk that hands the machine its link's key: VZ has no firmware settings, and arguments can be read by others. */
export async function writeConfigDisk(path: string, linkKey: Uint8Array): Promise<void> {
  await writeFileAtomically(path, Buffer.concat([magic, linkKey], diskBytes), 0o600);
}
