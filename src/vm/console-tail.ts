import { existsSync } from "node:fs";
import { open } from "node:fs/promises";

/** The last bytes of a file as text; "" when it is not there. */
export async function readTail(path: string, maxBytes: number): Promise<string> {
  if (!existsSync(path)) return "";
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const length = Math.min(maxBytes, size);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.subarray(0, bytesRead).toString("utf8");
  } finally {
    await file.close();
  }
}
