import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { chownToWorkUser } from "../content/clone.ts";
import type { Container, DockerApi } from "../docker-api.ts";
import type { DevcontainerState, EnvironmentStates, ForwardPortState } from "../environment-state.ts";
import { type JobContext, JobError } from "../jobs/job.ts";
import type { GuestNetwork } from "../network/guest-network.ts";
import { runProcess } from "../run-process.ts";
import { defaultDevcontainerImage, environmentLabel, type GuestSettings, workUserId } from "../settings.ts";
import { dataDiskTotalBytes } from "../usage/machine-usage.ts";
import { loadConfig, unmetRequirement } from "./config.ts";
import { classifyUpFailure, devcontainerUp, devcontainerUserCommands, type UpOutcome } from "./devcontainer-cli.ts";
import { chooseConfig, findConfigs } from "./find-configs.ts";
import { handOver } from "./hand-over.ts";
import { containerDiffers, imageGives, imageUserIs, metadataUser } from "./image-user.ts";
import type { KnownUsers } from "./known-users.ts";
import { lifecycleWarning, type StartCommands, startCommandsSchema } from "./lifecycle.ts";
import { restart } from "./restart.ts";
import { makeSecretsFolder, placeSecretFiles, secretFilesFolder } from "./secret-files.ts";
import { sessionEnvFiles, writeSessionEnv } from "./session-env.ts";
import { stopContainers } from "./stop.ts";
import type { SharedFolders } from "../shared-folders.ts";
import type { Attempt, UpRequest } from "./up-request.ts";

interface Dependencies {
  readonly docker: DockerApi;
  readonly states: EnvironmentStates;
  readonly settings: GuestSettings;
  readonly knownUsers: KnownUsers;
  readonly network: GuestNetwork;
  readonly sharedFolders: SharedFolders;
}

/**
 * Builds and starts an environment's dev container. A configuration that fails leaves a recovery
 * container of the default image, with the working copy in it and the failure told beside it.
 */
export async function bringUp(environmentId: string, request: UpRequest, dependencies: Dependencies, context: JobContext): Promise<void> {
  const { states } = dependencies;
  const repository = states.workingCopy(environmentId);
  if (!existsSync(repository)) throw new JobError("internal", "there is no working copy yet");
  await waitForDocker(dependencies.docker, context.signal);
  await dependencies.network.settleDocker(environmentId);
  // Before any container starts, and by the agent alone.
  await dependencies.sharedFolders.make(environmentId);
  const deadline = request.timeoutMs > 0 ? AbortSignal.timeout(request.timeoutMs) : undefined;
  const limited: JobContext =
    deadline === undefined
      ? context
      : { ...context, signal: AbortSignal.any([context.signal, deadline]), step: context.step, log: context.log };
  try {
    const attempt = await prepare(repository, request, dependencies);
    if (await restart(environmentId, request, attempt, dependencies, limited)) return;
    const outcome = await upForItsUser(environmentId, request, attempt, dependencies, limited);
    await keep(environmentId, request, attempt, outcome, { code: "", message: "" }, dependencies);
  } catch (error) {
    if (context.signal.aborted) throw error;
    const failure =
      deadline?.aborted === true
        ? new JobError("timeout", `the dev container was not ready after ${Math.round(request.timeoutMs / 60_000)} minutes`)
        : error;
    const code = failure instanceof JobError ? failure.code : "devcontainer-failed";
    const message = failure instanceof Error ? failure.message : String(failure);
    context.log(`\n${message}\n`);
    await recover(environmentId, request, { code, message }, dependencies, context);
  }
}

async function waitForDocker(docker: DockerApi, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(dockerStartTimeoutMs)]);
  while ((await docker.version()) === undefined) {
    if (limit.aborted) throw new JobError("machine-unreachable", "the container engine in the machine does not answer");
    await new Promise<void>((resolve) => setTimeout(resolve, dockerPollMs));
  }
}

const dockerStartTimeoutMs = 120_000;
const dockerPollMs = 200;

async function prepare(repository: string, request: UpRequest, { docker, knownUsers }: Dependencies): Promise<Attempt> {
  const choice = chooseConfig(await findConfigs(repository), request.configPath);
  switch (choice.kind) {
    case "none":
      return {
        configPath: "",
        configHash: "",
        generated: true,
        recovery: false,
        userIsWorkUser: request.defaultImage === "" || request.defaultImage === defaultDevcontainerImage,
      };
    case "several":
      throw new JobError("devcontainer-choice", `choose one of ${choice.paths.join(", ")}`);
    case "missing":
      throw new JobError("devcontainer-invalid", `${choice.path} is not in the repository`);
    case "config": {
      const { config, hash } = await loadConfig(repository, choice.path);
      const unmet = unmetRequirement(config, { cpus: cpus().length, memoryBytes: totalmem(), diskBytes: dataDiskTotalBytes("/data") });
      if (unmet !== undefined) throw new JobError("host-requirements", unmet);
      const userIsWorkUser = (await imageUserIs(workUserId, config, docker)) || (await knownUsers.has(hash));
      return { configPath: choice.path, configHash: hash, generated: false, recovery: false, userIsWorkUser };
    }
  }
}

/** Brings it up and hands the working copy to the container's user, who is known only then. */
async function upForItsUser(
  environmentId: string,
  request: UpRequest,
  attempt: Attempt,
  dependencies: Dependencies,
  context: JobContext,
): Promise<UpOutcome> {
  const { docker, states, knownUsers } = dependencies;
  const outcome = await attemptUp(environmentId, request, attempt, dependencies, context);
  const container = outcome.containerId === undefined ? undefined : await docker.inspect(outcome.containerId);
  if (container === undefined) return outcome;
  const user = outcome.remoteUser ?? metadataUser(container.Config.Labels["devcontainer.metadata"], "remoteUser") ?? "root";
  // The image is no longer what it was when this was found out; the next container is made as for any other.
  if (attempt.userIsWorkUser && (await containerDiffers(workUserId, user, container))) await knownUsers.remove(attempt.configHash);
  if (await builtForNothing(user, attempt, container, docker)) await knownUsers.add(attempt.configHash);
  const handedOver = await handOver(container, user, states.workingCopy(environmentId), docker, context);
  const hasCommands = !attempt.recovery && !attempt.generated;
  if (!handedOver || !hasCommands) return outcome;
  // Its commands ran while the working copy was not their user's, and may have failed without a word.
  return attemptUp(environmentId, { ...request, rebuild: true, noCache: false }, attempt, dependencies, context);
}

/** Whether the CLI made an image (named NAME-uid) to give the user a number that the image it is made of gave already. */
async function builtForNothing(user: string, attempt: Attempt, container: Container, docker: DockerApi): Promise<boolean> {
  const [, base] = /^(.+)-uid$/.exec(container.Config.Image) ?? [];
  if (attempt.generated || attempt.recovery || base === undefined) return false;
  const image = await docker.inspectImage(base);
  return image !== undefined && imageGives(workUserId, user, image);
}

async function attemptUp(
  environmentId: string,
  request: UpRequest,
  attempt: Attempt,
  dependencies: Dependencies,
  context: JobContext,
): Promise<UpOutcome> {
  const { states, docker, settings, network, sharedFolders } = dependencies;
  const folder = join(states.folderOf(environmentId), "up");
  const secretsFolder = await makeSecretsFolder(settings.runFolder, environmentId);
  await mkdir(folder, { recursive: true });
  const args = ["--workspace-folder", states.workingCopy(environmentId), "--id-label", `${environmentLabel}=${environmentId}`];
  const upArgs = [
    "--mount",
    `type=bind,source=${states.runFolderOf(environmentId)},target=/run/berth`,
    "--mount",
    "type=bind,source=/opt/berth/in-container,target=/opt/berth",
    "--mount",
    `type=bind,source=${sharedFolders.folderOf(environmentId)},target=/mnt/host`,
  ];
  if (attempt.generated || attempt.recovery) {
    const image = request.defaultImage === "" || attempt.recovery ? defaultDevcontainerImage : request.defaultImage;
    await writeFile(join(folder, "devcontainer.json"), JSON.stringify({ name: attempt.recovery ? "Recovery" : "Default", image }));
    args.push("--override-config", join(folder, "devcontainer.json"));
  } else args.push("--config", join(states.workingCopy(environmentId), attempt.configPath));
  const previous = states.get(environmentId)?.devcontainer;
  if (
    request.rebuild ||
    attempt.recovery ||
    (previous !== undefined && previous.session !== request.session && (previous.recovery || previous.configPath !== attempt.configPath))
  ) {
    upArgs.push("--remove-existing-container");
  }
  // The CLI would build an image to give its user the number that it has.
  if (attempt.userIsWorkUser) upArgs.push("--update-remote-user-uid-default", "never");
  if (request.noCache) upArgs.push("--build-no-cache");
  if (request.dotfilesRepository !== "" && !attempt.recovery) args.push("--dotfiles-repository", request.dotfilesRepository);
  const env = {
    NODE_COMPILE_CACHE: await makeCompileCache(settings),
    DOCKER_CONFIG: await writeDockerConfig(secretsFolder, request.registryCredentials, network.dockerClientProxies),
    DOCKER_BUILDKIT: "1",
    COMPOSE_PROJECT_NAME: composeProjectName(states.get(environmentId)?.directoryName ?? "", environmentId),
  };
  await network.placeIn(environmentId);
  // Lifecycle commands get proxies this way too: the container may have been made with others, and arguments can be read.
  const secrets = { ...withoutShortValues(network.sessionEnv(undefined)), ...request.secrets };
  if (Object.keys(secrets).length > 0) {
    await writeFile(join(secretsFolder, "secrets.json"), JSON.stringify(secrets), { mode: 0o600 });
    args.push("--secrets-file", join(secretsFolder, "secrets.json"));
  }
  await runProcess(["chown", "-R", "1000:1000", secretsFolder, folder]);
  await ensureDefaultImage(docker, settings, context);
  context.step(attempt.recovery ? "Starting a recovery container" : "Preparing the dev container");
  const cwd = states.workingCopy(environmentId);
  const hadSecretFiles = existsSync(join(states.runFolderOf(environmentId), secretFilesFolder));
  if (request.secretFiles.length === 0 && !hadSecretFiles) return devcontainerUp([...args, ...upArgs], cwd, env, context);
  // Lifecycle commands may need the files, which only a running container can take.
  const up = await devcontainerUp([...args, ...upArgs, "--skip-post-create"], cwd, env, context);
  if (up.outcome === "error" || up.containerId === undefined) return up;
  await placeSecretFiles(up.containerId, up.remoteUser ?? "root", request.secretFiles, context);
  const commands = await devcontainerUserCommands(args, cwd, env, context);
  return commands.outcome === "error" ? { ...up, ...commands } : up;
}

/** Where Node keeps what V8 compiled of the devcontainer CLI, which is most of its start; without it Node does without. */
async function makeCompileCache({ dataFolder, imageSha256 }: GuestSettings): Promise<string> {
  const folder = join(dataFolder, "cache", `devcontainer-${imageSha256.slice(0, imageNameLength)}`);
  await mkdir(folder, { recursive: true })
    .then(async () => chownToWorkUser(folder))
    .catch(() => undefined);
  return folder;
}

/** As in run-agent, which starts the agent and removes the caches of other images. */
const imageNameLength = 16;

/** Two environments of one repository share the machine's docker, so the folder's name alone would not do. */
function composeProjectName(directoryName: string, environmentId: string): string {
  const word = directoryName
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, "")
    .replace(/^[^a-z0-9]+/, "");
  // The end of a UUIDv7 is its random part.
  return `${word === "" ? "env" : word}_${environmentId.slice(-8)}`;
}

/** Loads the image that came with the machine, once per data disk, so that no registry is needed. */
async function ensureDefaultImage(docker: DockerApi, settings: GuestSettings, context: JobContext): Promise<void> {
  if (await docker.imageExists(defaultDevcontainerImage)) return;
  context.step("Unpacking the default image");
  const loaded = await runProcess(["docker", "load", "--quiet", "--input", settings.defaultImageArchive], {
    signal: context.signal,
    onOutput: (chunk) => context.log(chunk),
  });
  if (loaded.code !== 0)
    throw new JobError(
      /no space left/i.test(loaded.stderr.toString()) ? "data-disk-full" : "devcontainer-failed",
      loaded.stderr.toString().trim(),
    );
}

/** The CLI blots the values out of its log, where * or a letter would blot out everything. */
function withoutShortValues(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value.length >= minBlottedLength));
}

const minBlottedLength = 8;

async function writeDockerConfig(
  folder: string,
  credentials: UpRequest["registryCredentials"],
  proxies: object | undefined,
): Promise<string> {
  const auths = Object.fromEntries(
    credentials.map(({ host, username, password }) => [host, { auth: Buffer.from(`${username}:${password}`).toString("base64") }]),
  );
  await writeFile(join(folder, "config.json"), JSON.stringify({ auths, ...(proxies === undefined ? {} : { proxies }) }), { mode: 0o600 });
  return folder;
}

async function keep(
  environmentId: string,
  request: UpRequest,
  attempt: Attempt,
  outcome: UpOutcome,
  failure: { code: string; message: string },
  { docker, states, settings, network }: Dependencies,
): Promise<void> {
  const text = [outcome.message, outcome.description].filter((t) => t !== undefined).join(": ");
  const container = (await docker.listContainers(`${environmentLabel}=${environmentId}`)).find((c) => c.State === "running");
  if (outcome.outcome === "error" && (container === undefined || attempt.recovery))
    throw new JobError(classifyUpFailure([text, ...outcome.dockerErrors].join("\n")), outcome.dockerErrors.at(-1) ?? text);
  const inspected = container === undefined ? undefined : await docker.inspect(container.Id);
  const containerEnv = new Map(
    (inspected?.Config.Env ?? []).map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)] as const),
  );
  const merged = outcome.mergedConfiguration;
  const remoteEnv = Object.fromEntries(
    Object.entries(merged?.remoteEnv ?? {}).flatMap(([name, value]) =>
      value === null
        ? []
        : [
            [
              name,
              value.replace(
                /\$\{containerEnv:([^}:]+)(?::([^}]*))?\}/g,
                (_m, key: string, fallback?: string) => containerEnv.get(key) ?? fallback ?? "",
              ),
            ],
          ],
    ),
  );
  const previous = states.get(environmentId)?.devcontainer;
  const state: DevcontainerState = {
    session: request.session,
    configPath: attempt.configPath,
    configHash: attempt.configHash,
    generated: attempt.generated,
    recovery: attempt.recovery,
    failureCode: failure.code,
    failureMessage: failure.message,
    warningMessage: outcome.outcome === "error" ? await lifecycleWarning(text, inspected?.State.Pid ?? 0) : "",
    remoteUser:
      outcome.remoteUser ?? metadataUser(inspected?.Config.Labels["devcontainer.metadata"], "remoteUser") ?? previous?.remoteUser ?? "root",
    remoteWorkspaceFolder:
      outcome.remoteWorkspaceFolder ?? previous?.remoteWorkspaceFolder ?? `/workspaces/${states.get(environmentId)?.directoryName ?? ""}`,
    remoteEnv,
    forwardPorts: readForwardPorts(merged),
    proxied: network.dockerClientProxies !== undefined || previous?.proxied === true,
    containerId: container?.Id ?? "",
    dotfilesRepository: request.dotfilesRepository,
    startCommands: outcome.outcome === "success" && !attempt.recovery ? startCommandsOf(merged) : undefined,
  };
  await writeSessionEnv(sessionEnvFiles(settings.runFolder, environmentId), { ...remoteEnv, ...request.secrets });
  await states.setDevcontainer(environmentId, state);
  await network.placeIn(environmentId);
}

async function recover(
  environmentId: string,
  request: UpRequest,
  failure: { code: string; message: string },
  dependencies: Dependencies,
  context: JobContext,
): Promise<void> {
  await stopContainers(environmentId, dependencies.docker, context);
  await rm(join(dependencies.states.folderOf(environmentId), "up"), { recursive: true, force: true });
  const attempt: Attempt = { configPath: request.configPath, configHash: "", generated: false, recovery: true, userIsWorkUser: true };
  const outcome = await upForItsUser(environmentId, request, attempt, dependencies, context);
  await keep(environmentId, request, attempt, outcome, failure, dependencies);
}

/** What each start does where that is all: not with several containers, or a command that the machine runs before. */
function startCommandsOf(merged: UpOutcome["mergedConfiguration"]): StartCommands | undefined {
  if (merged === undefined || "dockerComposeFile" in merged || "initializeCommand" in merged) return undefined;
  const { postStartCommands = [], postAttachCommands = [], userEnvProbe = "loginInteractiveShell" } = merged;
  return startCommandsSchema.safeParse({ postStartCommands, postAttachCommands, userEnvProbe }).data;
}

/** forwardPorts and portsAttributes as one list (devcontainer.json reference). */
export function readForwardPorts(merged: UpOutcome["mergedConfiguration"]): ForwardPortState[] {
  const attributes = new Map(Object.entries(merged?.portsAttributes ?? {}));
  const ports = new Map<string, ForwardPortState>();
  const add = (
    host: string,
    port: number,
    alwaysForward: boolean,
    given: Partial<{
      label: string | undefined;
      onAutoForward: string | undefined;
      protocol: string | undefined;
      requireLocalPort: boolean | undefined;
    }>,
  ): void => {
    ports.set(`${host}:${port}`, {
      host,
      port,
      alwaysForward,
      label: given.label ?? "",
      onAutoForward: given.onAutoForward ?? "",
      protocol: given.protocol ?? "",
      requireLocalPort: given.requireLocalPort ?? false,
    });
  };
  for (const [name, given] of attributes) if (/^\d+$/.test(name)) add("localhost", Number(name), false, given);
  for (const entry of merged?.forwardPorts ?? []) {
    const match = typeof entry === "number" ? [undefined, "localhost", String(entry)] : /^(?:([A-Za-z0-9_.-]+):)?(\d+)$/.exec(entry);
    if (match === null) continue;
    const host = match[1] ?? "localhost";
    const port = Number(match[2]);
    if (port > 0 && port < 65_536) add(host === "127.0.0.1" ? "localhost" : host, port, true, attributes.get(String(entry)) ?? {});
  }
  return [...ports.values()];
}
