import { runProcess } from "../run-process.ts";

/** A working copy of millions of files takes minutes on a cold disk. */
const measureTimeoutMs = 5 * 60_000;

/** The blocks a folder takes, found by another process at low priority; undefined when that failed. */
export async function folderSizeBytes(folder: string): Promise<number | undefined> {
  const argv = ["nice", "-n", "19", "du", "--summarize", "--one-file-system", "--block-size=1", "--", folder];
  // Its exit code tells of files that went away while it looked, too.
  const result = await runProcess(argv, { signal: AbortSignal.timeout(measureTimeoutMs) }).catch(() => undefined);
  const bytes = /^(\d+)\t/.exec(result?.stdout.toString() ?? "")?.[1];
  return bytes === undefined ? undefined : Number(bytes);
}
