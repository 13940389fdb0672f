import { timestampDate } from "@bufbuild/protobuf/wkt";
import { BerthError } from "../contract/berth-error.ts";
import type { EnvironmentDetails, ForwardedPort } from "../contract/gen/berth/v1/host_pb.js";
import { type Environment, EnvironmentPhase, EnvironmentStatus_ContentPhase } from "../contract/gen/gitpod/v1/environment_pb.js";
import type { HostClients } from "./connection.ts";

const pageSize = 100;

/** All environments but those that were archived. */
export async function allEnvironments({ environments }: HostClients): Promise<Environment[]> {
  const all: Environment[] = [];
  let token = "";
  do {
    const page = await environments.listEnvironments({ pagination: { pageSize, token } });
    all.push(...page.environments);
    token = page.pagination?.nextToken ?? "";
  } while (token !== "");
  return all;
}

/** An environment by its name, its ssh name or its id. Fails with `environment-not-found`. */
export async function findEnvironment(clients: HostClients, nameOrId: string): Promise<Environment> {
  const wanted = nameOrId.toLowerCase();
  const all = await allEnvironments(clients);
  const found =
    all.find((e) => e.id === nameOrId || nameOf(e).toLowerCase() === wanted) ??
    all.find((e) => nameOf(e).toLowerCase() === wanted.replace(/\.berth$/, ""));
  if (found === undefined) throw new BerthError("environment-not-found", `'${nameOrId}'`);
  return found;
}

export function nameOf(environment: Environment): string {
  return environment.metadata?.name ?? "";
}

export function phaseName(phase: EnvironmentPhase | undefined): string {
  return (EnvironmentPhase[phase ?? 0] ?? "unknown").toLowerCase();
}

/** What would be lost with an environment; undefined when it is not known. */
export interface Work {
  readonly changed: number;
  readonly unpushed: number;
}

/** What would be lost with an environment now; as it was seen last while its machine does not run. */
export async function workNow({ workspaces }: HostClients, environment: Environment): Promise<Work | undefined> {
  const [now] = (await workspaces.refreshGitState({ environmentIds: [environment.id] })).environments;
  if (now === undefined) return workOf(environment);
  return now.known ? { changed: now.changedFiles, unpushed: now.unpushedCommits } : undefined;
}

/** The same where what was never seen may not be taken for nothing: a runner forgets what it saw when it ends. */
export async function certainWorkNow(clients: HostClients, environment: Environment): Promise<Work | undefined> {
  const work = await workNow(clients, environment);
  const isSeen = work !== undefined && (work.changed + work.unpushed > 0 || environment.status?.content?.git !== undefined);
  return isSeen ? work : undefined;
}

/** Changed files and unpushed commits as seen last. Nothing is lost while there is no working copy yet. */
export function workOf({ status }: Environment): Work | undefined {
  const git = status?.content?.git;
  if (git !== undefined) return { changed: git.totalChangedFiles, unpushed: git.totalUnpushedCommits };
  return status?.content?.phase === EnvironmentStatus_ContentPhase.READY ? undefined : { changed: 0, unpushed: 0 };
}

/** "3 changed files and 1 unpushed commit"; empty when there are none. */
export function describeWork(work: Work | undefined): string {
  if (work === undefined) return "changes that are not known, because it is not a git repository";
  return [counted(work.changed, "changed file"), counted(work.unpushed, "unpushed commit")].filter((text) => text !== "").join(" and ");
}

/** An environment in the JSON of `list` and of the commands that change one (docs/CLI.md). */
export function environmentRow(environment: Environment, details: EnvironmentDetails | undefined) {
  const git = environment.status?.content?.git;
  return {
    id: environment.id,
    name: nameOf(environment),
    phase: phaseName(environment.status?.phase),
    branch: git?.branch ?? "",
    changed: git?.totalChangedFiles ?? 0,
    unpushed: git?.totalUnpushedCommits ?? 0,
    ports: (details?.ports ?? []).filter((p) => p.hostPort !== 0).map((p) => p.hostPort),
    source: environment.metadata?.originalContextUrl ?? "",
    machine: details?.machineId ?? "",
  };
}

/** A port in the JSON of `ports` and `show`. */
export function portRow(port: ForwardedPort) {
  return {
    containerPort: port.containerPort,
    containerHost: port.containerHost,
    hostPort: port.hostPort,
    url: port.url,
    process: port.processName,
    label: port.label,
    listening: port.listening,
    failure: port.failureMessage,
  };
}

/** An environment in the JSON of `show`. */
export function environmentFacts(environment: Environment, details: EnvironmentDetails | undefined) {
  const { status, metadata, spec } = environment;
  const devcontainer = status?.devcontainer;
  return {
    ...environmentRow(environment, details),
    desired: phaseName(spec?.desiredPhase),
    failure: status?.failureMessage ?? [],
    warning: status?.warningMessage ?? [],
    devcontainerFailure: devcontainer?.failureMessage ?? "",
    devcontainerFile: devcontainer?.devcontainerFilePath ?? "",
    devcontainerFiles: details?.devcontainerFilePaths ?? [],
    devcontainerInSync: devcontainer?.devcontainerconfigInSync ?? true,
    recovery: details?.recovery ?? false,
    remoteUser: devcontainer?.remoteUser ?? "",
    folder: devcontainer?.remoteWorkspaceFolder ?? "",
    commit: status?.content?.git?.latestCommit ?? "",
    createdAt: metadata?.createdAt === undefined ? "" : timestampDate(metadata.createdAt).toISOString(),
    startedAt: metadata?.lastStartedAt === undefined ? "" : timestampDate(metadata.lastStartedAt).toISOString(),
    sshCommand: details?.sshCommand ?? "",
    urls: (details?.ports ?? []).filter((p) => p.url !== "").map((p) => p.url),
    forwards: (details?.ports ?? []).map(portRow),
  };
}

/** The link that opens an environment in an editor, by the editor's short name. Fails with `editor-unknown`. */
export async function editorUrl({ editors }: HostClients, environment: Environment, alias: string): Promise<string> {
  const editor = (await editors.listEditors({})).editors.find((e) => e.alias === alias);
  if (editor === undefined) throw new BerthError("editor-unknown", `'${alias}'`);
  return (
    await editors.resolveEditorURL({
      editorId: editor.id,
      environmentId: environment.id,
      organizationId: environment.metadata?.organizationId ?? "",
    })
  ).url;
}

function counted(n: number, what: string): string {
  return n === 0 ? "" : `${n} ${what}${n === 1 ? "" : "s"}`;
}
