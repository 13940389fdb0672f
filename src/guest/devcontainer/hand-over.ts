import { stat } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type { Container, DockerApi } from "../docker-api.ts";
import { type JobContext, JobError } from "../jobs/job.ts";
import { runProcess } from "../run-process.ts";
import { maxId, readUser, type UserIds } from "./passwd.ts";

/** Two small programs take a moment, also in a container whose user keeps it busy. */
const answerTimeoutMs = 30_000;

/**
 * Prints the number and group of a user. git refuses to work in a folder of another user, which a working copy is to
 * root, so it is told once that this is meant.
 */
const script = `
u=$(id -u "$1" 2> /dev/null || echo "$1")
echo "$u $(id -g "$1" 2> /dev/null || echo "$u")"
if [ "$u" = 0 ] && command -v git > /dev/null 2>&1; then
  git config --system --get-all safe.directory 2> /dev/null | grep -qxF '*' || git config --system --add safe.directory '*' 2> /dev/null
fi
true
`;

/**
 * Makes the working copy its dev container's user's own when that is neither root nor who owns it: images whose first
 * user is not theirs would else leave it read-only to the person. Gives whether that was needed.
 */
export async function handOver(
  container: Container,
  remoteUser: string,
  workingCopy: string,
  docker: DockerApi,
  context: JobContext,
): Promise<boolean> {
  const user = await containerUser(container, remoteUser, docker).catch((error: unknown) => {
    context.log(`It is not known who ${remoteUser} is in the container: ${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  });
  if (user === undefined || user.uid === 0 || user.uid === (await stat(workingCopy)).uid) return false;
  context.log(`The working copy becomes ${remoteUser}'s own.\n`);
  // The folder itself comes last, so that one that was interrupted is begun again.
  const given = await runProcess(["chown", "-hR", `${user.uid}:${user.gid}`, "--", workingCopy], { signal: context.signal });
  if (given.code !== 0)
    throw new JobError("devcontainer-failed", `the working copy could not be given to ${remoteUser}: ${given.stderr.toString().trim()}`);
  return true;
}

/** Reading a file is ten times faster than a process in the container, but only that knows of all users, and readies git for root. */
async function containerUser(container: Container, name: string, docker: DockerApi): Promise<UserIds | undefined> {
  const user = await readUser(name, [container.GraphDriver?.Data?.MergedDir ?? ""]);
  return user === undefined || user.uid === 0 ? askForUser(container.Id, name, docker) : user;
}

async function askForUser(containerId: string, name: string, docker: DockerApi): Promise<UserIds | undefined> {
  const exec = { argv: ["/bin/sh", "-c", script, "sh", name], env: [], user: "root", workingDirectory: "/", tty: true };
  // The end of its input would end it before it has said anything.
  const stream = await docker.startExec(await docker.createExec(containerId, exec), true);
  const timer = setTimeout(() => stream.destroy(new Error("the container does not answer")), answerTimeoutMs);
  const [, uid, gid] = /^(\d+) (\d+)\s*$/m.exec(await text(stream).finally(() => clearTimeout(timer))) ?? [];
  const user = { uid: Number(uid), gid: Number(gid) };
  return Number.isInteger(user.uid) && Number.isInteger(user.gid) && user.uid <= maxId && user.gid <= maxId ? user : undefined;
}
