import { spawn } from "node:child_process";
import { lstat, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { BerthError } from "../contract/berth-error.ts";

const maxListedBytes = 256 * 1024 * 1024;
/** A folder may be hostile too: nothing its configuration names may run on this computer. */
const safeOptions = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.untrackedCache=false"];

/**
 * A tar stream of a folder as it is now, uncommitted changes included. Of a git repository: its .git, and
 * files that are tracked or not ignored; links are kept as links. Fails with `folder-not-found`.
 */
export async function* readFolder(folder: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  if (!isAbsolute(folder) || !((await stat(folder).catch(() => undefined))?.isDirectory() ?? false))
    throw new BerthError("folder-not-found", folder);
  const isRepository = (await lstat(join(folder, ".git")).catch(() => undefined))?.isDirectory() ?? false;
  const names = isRepository ? await repositoryFiles(folder, signal) : undefined;
  const tar = spawn(
    "tar",
    ["--create", "--file=-", `--directory=${folder}`, ...(names === undefined ? ["."] : ["--null", "--files-from=-"])],
    { stdio: ["pipe", "pipe", "pipe"], signal },
  );
  let errors = "";
  tar.stderr.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2000)));
  const ended = new Promise<number>((resolve) => tar.once("error", () => resolve(1)).once("close", (code) => resolve(code ?? 1)));
  tar.stdin.on("error", () => undefined);
  tar.stdin.end(names ?? "");
  for await (const chunk of tar.stdout) yield chunk as Buffer;
  // 1 means that a file changed while it was read, which is life in a folder somebody works in.
  if ((await ended) > 1) throw new BerthError("folder-unreadable", errors.trim().split("\n")[0] ?? "tar failed");
}

async function repositoryFiles(folder: string, signal: AbortSignal): Promise<Buffer> {
  const git = spawn("git", [...safeOptions, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "ignore"],
    signal,
    env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/", GIT_OPTIONAL_LOCKS: "0" },
  });
  const ended = new Promise<number>((resolve) => git.once("error", () => resolve(1)).once("close", (code) => resolve(code ?? 1)));
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of git.stdout) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > maxListedBytes) throw new BerthError("folder-unreadable", "it has too many files");
  }
  if ((await ended) !== 0) throw new BerthError("folder-unreadable", "git could not list its files");
  const present = await Promise.all(
    splitAtZeros(Buffer.concat(chunks)).map(async (name) => {
      const there = await lstat(Buffer.concat([Buffer.from(`${folder}/`), name])).catch(() => undefined);
      return there === undefined ? [] : [Buffer.from("./"), name, Buffer.from([0])];
    }),
  );
  return Buffer.concat([Buffer.from("./.git\0"), ...present.flat()]);
}

/** A file's name need not be UTF-8. */
function splitAtZeros(text: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < text.length;) {
    const end = text.indexOf(0, at);
    parts.push(text.subarray(at, end < 0 ? text.length : end));
    at = end < 0 ? text.length : end + 1;
  }
  return parts;
}
