import type { ContainerSummary, DockerApi } from "../docker-api.ts";
import { type JobContext, JobError } from "../jobs/job.ts";
import { runProcess } from "../run-process.ts";
import { environmentLabel } from "../settings.ts";

export const composeProjectLabel = "com.docker.compose.project";
const stopGraceSeconds = 10;

/** The environment's own container and those of its Compose project. */
export async function environmentContainers(environmentId: string, docker: DockerApi): Promise<ContainerSummary[]> {
  const own = await docker.listContainers(`${environmentLabel}=${environmentId}`);
  const projects = new Set(own.map((c) => c.Labels[composeProjectLabel]).filter((p) => p !== undefined));
  const others = await Promise.all([...projects].map(async (project) => docker.listContainers(`${composeProjectLabel}=${project}`)));
  const all = new Map([...own, ...others.flat()].map((c) => [c.Id, c]));
  return [...all.values()];
}

/** Stops all containers of an environment; they start again where they were. */
export async function stopContainers(environmentId: string, docker: DockerApi, context: JobContext): Promise<void> {
  const running = (await environmentContainers(environmentId, docker)).filter(
    (c) => c.State === "running" || c.State === "restarting" || c.State === "paused",
  );
  if (running.length === 0) return;
  await run(["docker", "stop", "--time", String(stopGraceSeconds), ...running.map((c) => c.Id)], context);
}

/** Removes the containers of an environment with their anonymous volumes, and its Compose project whole. */
export async function removeContainers(environmentId: string, docker: DockerApi, context: JobContext): Promise<void> {
  const containers = await environmentContainers(environmentId, docker);
  const projects = new Set(containers.map((c) => c.Labels[composeProjectLabel]).filter((p) => p !== undefined));
  if (containers.length > 0) await run(["docker", "rm", "--force", "--volumes", ...containers.map((c) => c.Id)], context);
  for (const project of projects) {
    for (const kind of ["network", "volume"]) {
      const listed = await runProcess(["docker", kind, "ls", "--quiet", "--filter", `label=${composeProjectLabel}=${project}`]);
      const names = listed.stdout
        .toString()
        .split("\n")
        .filter((name) => name !== "");
      if (names.length > 0) await run(["docker", kind, "rm", ...names], context);
    }
  }
}

async function run(argv: readonly string[], context: JobContext): Promise<void> {
  const result = await runProcess(argv, { signal: context.signal, onOutput: (chunk) => context.log(chunk) });
  if (result.code !== 0 && !/No such container|not found/i.test(result.stderr.toString())) {
    throw new JobError("internal", `${argv.slice(0, 2).join(" ")} failed: ${result.stderr.toString().trim()}`);
  }
}
