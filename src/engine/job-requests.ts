import { durationFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { parseContextUrl } from "../contract/context-url.ts";
import type { EnvironmentStore } from "../contract/engine-port.ts";
import {
  type Environment,
  EnvironmentPhase,
  type GitInitializer,
  GitInitializer_CloneTargetMode,
} from "../contract/gen/gitpod/v1/environment_pb.js";
import type { EngineOptions } from "./engine.ts";
import type { Wish } from "./plan.ts";

/** Before a folder's path, where an environment comes from a folder of this computer. */
export const folderScheme = "berth-folder:";
/** On an environment with this annotation the next rebuild uses no cache. */
export const noCacheAnnotation = "berth.dev/rebuild-no-cache";
/** A dev container that is not up after this long has a command that hangs. */
const devcontainerTimeoutMs = 60 * 60_000;
/** History that a clone waits for; the rest is fetched in the background. */
const cloneDepth = 1;

/** What is wanted of an environment, with the ids of the jobs that bring it about. */
export function wishOf(environment: Environment, bootId: string): Wish {
  const { spec, metadata } = environment;
  const first = spec?.content?.initializer?.specs[0]?.spec;
  const folder = first?.case === "contextUrl" && first.value.url.startsWith(folderScheme);
  const startedAtMs = metadata?.lastStartedAt === undefined ? 0 : timestampMs(metadata.lastStartedAt);
  const devcontainerSession = spec?.devcontainer?.session ?? "";
  return {
    phase:
      spec?.desiredPhase === EnvironmentPhase.DELETED ? "deleted" : spec?.desiredPhase === EnvironmentPhase.RUNNING ? "running" : "stopped",
    source: folder ? "folder" : first === undefined ? "none" : "clone",
    cloneJobId: `clone-${spec?.content?.session ?? ""}`,
    // A new start and a new boot of the machine are new intents; the same one is never carried out twice.
    upJobId: `up-${devcontainerSession}-${startedAtMs}-${bootId.slice(0, 8)}`,
    stopJobId: `stop-${spec?.specVersion ?? 0n}-${bootId.slice(0, 8)}`,
    deleteJobId: `delete-${spec?.specVersion ?? 0n}-${bootId.slice(0, 8)}`,
    devcontainerSession,
  };
}

/** What the agent is told to clone. */
export async function cloneJobOf(environment: Environment, store: EnvironmentStore) {
  const spec = environment.spec?.content;
  const first = spec?.initializer?.specs[0]?.spec;
  const context = parseContextUrl(first?.case === "contextUrl" ? first.value.url : first?.case === "git" ? first.value.remoteUri : "");
  const credential = await store.openHostCredential(environment.metadata?.creator?.id ?? "", context.host);
  const target = first?.case === "git" ? targetOf(first.value) : context;
  return {
    remoteUri: context.cloneUrl,
    branch: target.branch,
    tag: target.tag,
    commit: target.commit,
    pathMayFollowBranch: first?.case === "contextUrl",
    ref: context.pullRequestRef,
    localBranch: context.pullRequestRef === "" ? "" : `pr/${context.pullRequest}`,
    directoryName: directoryNameOf(context.repository),
    gitUserName: spec?.gitUsername ?? "",
    gitUserEmail: spec?.gitEmail ?? "",
    credentials: credential === undefined ? [] : [{ host: context.host, path: "", ...credential }],
    submodules: true,
    lfs: true,
    // A commit of its own may lie anywhere in the history.
    depth: target.commit === "" ? cloneDepth : 0,
  };
}

/** What the agent is told to bring up. */
export async function upJobOf(
  environment: Environment,
  { store, machines, authorizedKeys }: Pick<EngineOptions, "store" | "machines" | "authorizedKeys">,
) {
  const spec = environment.spec?.devcontainer;
  const secrets = await store.openSecrets(environment.id);
  const rebuild =
    environment.status?.devcontainer?.containerId !== undefined &&
    environment.status.devcontainer.containerId !== "" &&
    machines.of(environment.id).environment(environment.id)?.devcontainer?.session !== spec?.session;
  return {
    session: spec?.session ?? "",
    configPath: spec?.devcontainerFilePath ?? "",
    rebuild,
    noCache: environment.metadata?.annotations[noCacheAnnotation] === spec?.session,
    defaultImage: spec?.defaultDevcontainerImage ?? "",
    secrets: Object.fromEntries(secrets.flatMap((s) => (s.mount.kind === "environmentVariable" ? [[s.mount.name, s.value]] : []))),
    secretFiles: secrets.flatMap((s) => (s.mount.kind === "file" ? [{ path: s.mount.path, content: s.value }] : [])),
    registryCredentials: secrets.flatMap((s) =>
      s.mount.kind === "registryCredential" ? [{ host: s.mount.host, ...splitBasic(s.value) }] : [],
    ),
    dotfilesRepository: spec?.dotfiles?.repository ?? "",
    authorizedKeys: await authorizedKeysOf(environment, { authorizedKeys }),
    timeout: durationFromMs(devcontainerTimeoutMs),
  };
}

/** Who may log in to an environment: this computer's person, and whom its spec names. */
export async function authorizedKeysOf(
  { id, spec }: Environment,
  { authorizedKeys }: Pick<EngineOptions, "authorizedKeys">,
): Promise<string[]> {
  return [...(await authorizedKeys(id)), ...(spec?.sshPublicKeys.map(({ value }) => value) ?? [])];
}

/** What a git initializer checks out; without a mode the target is a branch, or a tag where there is no such branch. */
function targetOf({ targetMode, cloneTarget }: GitInitializer): { branch: string; tag: string; commit: string } {
  const none = { branch: "", tag: "", commit: "" };
  switch (targetMode) {
    case GitInitializer_CloneTargetMode.REMOTE_HEAD:
      return none;
    case GitInitializer_CloneTargetMode.REMOTE_TAG:
      return { ...none, tag: cloneTarget };
    case GitInitializer_CloneTargetMode.REMOTE_COMMIT:
      return { ...none, commit: cloneTarget };
    case GitInitializer_CloneTargetMode.UNSPECIFIED:
    case GitInitializer_CloneTargetMode.REMOTE_BRANCH:
    case GitInitializer_CloneTargetMode.LOCAL_BRANCH:
      return { ...none, branch: cloneTarget };
  }
}

/** A name for the folder of a working copy. */
export function directoryNameOf(name: string): string {
  const safe = name
    .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9_]+/, "")
    .slice(0, 100);
  return safe === "" ? "workspace" : safe;
}

function splitBasic(value: string): { username: string; password: string } {
  const [username = "", ...rest] = Buffer.from(value, "base64").toString().split(":");
  return { username, password: rest.join(":") };
}
