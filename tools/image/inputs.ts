import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { z } from "zod";
import { packageLockSchema } from "./debian-packages.ts";

/** Everything that decides an image's bytes; the manifest keeps it, and its hash is the image's identity. */
export const imageSourcesSchema = z.object({
  arch: z.enum(["amd64", "arm64"]),
  /** sha256 of each file of the recipe, of the builder, and of the agent's bundle. */
  files: z.record(z.string(), z.string()),
  /** Versions of the programs that write the image's files. */
  tools: z.record(z.string(), z.string()),
  packages: packageLockSchema,
});
export type ImageSources = z.infer<typeof imageSourcesSchema>;

/** Folders of the project whose files decide, beside the agent's sources, which its bundle stands for. */
export const decidingFolders = ["resources/guest", "tools/image"] as const;

/** The identity of what these sources make. */
export function hashSources(sources: ImageSources): string {
  return sha256(JSON.stringify(sources));
}

/** The identity of the default dev container image alone, which changes less often than the machine. */
export function devcontainerKey({ arch, files, tools, packages }: ImageSources): string {
  const decides = (path: string): boolean =>
    path.startsWith("tools/image/") || path.startsWith("resources/guest/npm/") || path.endsWith("/devcontainer-packages.txt");
  const ours = Object.entries(files).filter(([path]) => decides(path));
  return sha256(JSON.stringify({ arch, ours, tools, packages: packages.devcontainer }));
}

/** sha256 by path of all files in the folders, in a fixed order; tests decide nothing. */
export function hashFiles(root: string, folders: readonly string[]): Record<string, string> {
  const paths = folders.flatMap((folder) => listFiles(join(root, folder))).filter((path) => !path.endsWith(".test.ts"));
  return Object.fromEntries(
    paths.map((path) => [relative(root, path), `${(statSync(path).mode & 0o111) === 0 ? "" : "x "}${sha256(readFileSync(path))}`]),
  );
}

export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** All files below a folder in a fixed order. */
function listFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? listFiles(join(folder, entry.name)) : [join(folder, entry.name)]));
}

/** Lines of a list file without comments and blanks. */
export function readList(path: string): string[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}
