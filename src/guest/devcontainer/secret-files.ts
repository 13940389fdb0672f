import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type JobContext, JobError } from "../jobs/job.ts";
import { runProcess } from "../run-process.ts";

/** A secret that is a file in the container. */
export interface SecretFile {
  /** Absolute, in the container. */
  readonly path: string;
  readonly content: string;
}

/** Where the files are below an environment's folder that its container sees as /run/berth. */
export const secretFilesFolder = "secrets";
const nameLength = 32;
const fileInTheWayCode = 3;

/**
 * The content, which comes on stdin, goes to the volatile folder that the container sees as /run/berth; at the wanted
 * path is a link to it, so that no secret is in a container's file system. What a person has at the path stays.
 */
const script = `
set -e
user=$1 path=$2 file=/run/berth/${secretFilesFolder}/$3
mkdir -p /run/berth/${secretFilesFolder}
umask 077
cat > "$file.new"
chown "$user" "$file.new"
mv -f "$file.new" "$file"
umask 022
if [ -L "$path" ] && [ "$(readlink "$path")" = "$file" ]; then exit 0; fi
if [ -e "$path" ] || [ -L "$path" ]; then exit ${fileInTheWayCode}; fi
folder=\${path%/*}
missing=$folder made=
while [ -n "$missing" ] && [ ! -d "$missing" ]; do made=$missing; missing=\${missing%/*}; done
mkdir -p "$folder/"
if [ -n "$made" ]; then chown -R "$user" "$made"; fi
ln -s "$file" "$path"
chown -h "$user" "$path"
`;

/** The volatile folder of an environment's secrets in the machine. */
export async function makeSecretsFolder(runFolder: string, environmentId: string): Promise<string> {
  const folder = join(runFolder, "secrets", environmentId);
  // The parent may be crossed but not listed: git and docker run as the work user.
  await mkdir(join(runFolder, "secrets"), { recursive: true, mode: 0o711 });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** Puts these secrets in place in a running container and takes away those of before. Fails when the container refuses. */
export async function placeSecretFiles(
  containerId: string,
  remoteUser: string,
  files: readonly SecretFile[],
  context: JobContext,
): Promise<void> {
  const asRoot = ["docker", "exec", "--interactive", "--user", "root", containerId];
  await runProcess([...asRoot, "rm", "-rf", "--", `/run/berth/${secretFilesFolder}`], { signal: context.signal });
  for (const { path, content } of files) {
    const name = createHash("sha256").update(path).digest("hex").slice(0, nameLength);
    const placed = await runProcess([...asRoot, "/bin/sh", "-c", script, "sh", remoteUser, path, name], {
      stdin: content,
      signal: context.signal,
    });
    if (placed.code === fileInTheWayCode) context.log(`The secret for ${path} was not put in place: a file is there already.\n`);
    else if (placed.code !== 0)
      throw new JobError("devcontainer-failed", `the secret for ${path} was not put in place: ${placed.stderr.toString().trim()}`);
  }
}
