import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** Where programs are that the PATH of a program started from a menu leaves out. */
const usualFolders: readonly string[] = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin", "/opt/homebrew/bin"];

/** The full path of a program, looked for as a shell would and in the usual folders. */
export function findProgram(
  name: string,
  path: string = process.env["PATH"] ?? "",
  extraFolders: readonly string[] = usualFolders,
): string | undefined {
  for (const folder of [...path.split(":").filter((f) => f !== ""), ...extraFolders]) {
    const candidate = join(folder, name);
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not here.
    }
  }
  return undefined;
}
