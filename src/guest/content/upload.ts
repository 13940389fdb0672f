import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { syncFolder } from "../../lib/atomic-file.ts";
import { JobError } from "../jobs/job.ts";
import { runProcess } from "../run-process.ts";
import { workUserName } from "../settings.ts";
import { chownToWorkUser } from "./clone.ts";

/**
 * Unpacks a tar stream as a working copy at `target`. GNU tar refuses members outside of the folder and
 * makes links that lead out only at the end, so that nothing is written through them. Kept only when
 * `data` ends with `complete`.
 */
export async function receiveUpload(
  target: string,
  data: AsyncIterable<{ readonly data: Uint8Array } | { readonly complete: true }>,
): Promise<number> {
  const partial = `${target}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  await chownToWorkUser(dirname(target));
  await chownToWorkUser(partial);
  const asWorkUser =
    process.getuid?.() === 0 ? ["setpriv", `--reuid=${workUserName}`, `--regid=${workUserName}`, "--init-groups", "--"] : [];
  const [program = "", ...args] = [
    ...asWorkUser,
    "tar",
    "--extract",
    "--file=-",
    "--no-same-owner",
    "--warning=no-timestamp",
    `--directory=${partial}`,
  ];
  const tar = spawn(program, args, { stdio: ["pipe", "ignore", "pipe"] });
  let stderr = "";
  tar.stderr.on("data", (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-2000)));
  const ended = new Promise<number>((resolve) => tar.once("close", (code) => resolve(code ?? 1)).once("error", () => resolve(1)));
  tar.stdin.on("error", () => undefined);
  let received = 0;
  let complete = false;
  try {
    for await (const message of data) {
      if ("complete" in message) {
        complete = true;
        break;
      }
      received += message.data.length;
      if (!tar.stdin.write(message.data)) await new Promise<void>((resolve) => tar.stdin.once("drain", resolve).once("close", resolve));
      if (tar.exitCode !== null) break;
    }
    tar.stdin.end();
    const code = await ended;
    if (!complete && code === 0) throw new JobError("upload-failed", "the copy ended before its end");
    if (code !== 0)
      throw new JobError(
        /No space left/.test(stderr) ? "data-disk-full" : "upload-failed",
        stderr.trim().split("\n").at(-1) ?? "tar failed",
      );
    await runProcess(["sync", "-f", partial]);
    if (existsSync(target)) throw new JobError("upload-failed", "the working copy exists already");
    await rename(partial, target);
    await syncFolder(dirname(target));
    return received;
  } catch (error) {
    tar.kill("SIGKILL");
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}
