import { create } from "@bufbuild/protobuf";
import type { CallOptions, Client } from "@connectrpc/connect";
import { createHash } from "node:crypto";
import { type RemoteEnvironment, RemoteEnvironmentSchema } from "../../contract/gen/berth/v1/context_pb.js";
import {
  type Environment,
  type EnvironmentGitStatus,
  type EnvironmentService,
  EnvironmentStatus_ContentPhase,
} from "../../contract/gen/gitpod/v1/environment_pb.js";
import { withoutControls } from "../../lib/terminals/osc-scanner.ts";

const pageSize = 100;
/** More would only fill the answer and the file that keeps it; it bounds a plane that never ends its pages too. */
const maxEnvironments = 5000;
const maxPages = maxEnvironments / pageSize;
const maxTextLength = 500;
const maxMessages = 10;

export interface RemoteList {
  /** By name. */
  readonly environments: RemoteEnvironment[];
  readonly truncated: boolean;
}

/** All pages of a plane's environments. `call` brings the token to a call. */
export async function listRemoteEnvironments(
  client: Client<typeof EnvironmentService>,
  call: <T>(make: (options: CallOptions) => Promise<T>) => Promise<T>,
): Promise<RemoteList> {
  const environments: RemoteEnvironment[] = [];
  let token = "";
  for (let page = 0; page < maxPages; page++) {
    const pagination = { pageSize, token };
    const answer = await call(async (options) => client.listEnvironments({ pagination }, options));
    environments.push(...answer.environments.slice(0, maxEnvironments - environments.length).map(remoteEnvironment));
    token = answer.pagination?.nextToken ?? "";
    if (token === "" || environments.length >= maxEnvironments) break;
  }
  return { environments: environments.toSorted((a, b) => a.name.localeCompare(b.name)), truncated: token !== "" };
}

/** An environment as a plane tells of it, with nothing that could do harm here. */
export function remoteEnvironment({ id, metadata, spec, status }: Environment): RemoteEnvironment {
  const git = status?.content?.git;
  return create(RemoteEnvironmentSchema, {
    environmentId: plain(id),
    name: plain(metadata?.name ?? ""),
    phase: status?.phase ?? 0,
    branch: plain(git?.branch ?? ""),
    changedFiles: Math.max(0, git?.totalChangedFiles ?? 0),
    unpushedCommits: Math.max(0, git?.totalUnpushedCommits ?? 0),
    source: plain(metadata?.originalContextUrl ?? ""),
    runnerId: plain(metadata?.runnerId ?? ""),
    specVersion: spec?.specVersion ?? 0n,
    desiredPhase: spec?.desiredPhase ?? 0,
    workUnknown: git === undefined && status?.content?.phase === EnvironmentStatus_ContentPhase.READY,
    workDigest: workDigest(git),
    classId: plain(spec?.machine?.class ?? ""),
    failures: (status?.failureMessage ?? []).slice(0, maxMessages).map(plain),
    warnings: (status?.warningMessage ?? []).slice(0, maxMessages).map(plain),
  });
}

/** Stands for the work that is nowhere else, in few bytes; which commit is checked out is none of it. */
function workDigest(git: EnvironmentGitStatus | undefined): string {
  if (git === undefined) return "unknown";
  const { changedFiles, totalChangedFiles, unpushedCommits, totalUnpushedCommits } = git;
  if (totalChangedFiles + totalUnpushedCommits === 0) return "clean";
  const files = changedFiles.map(({ path, changeType, oldPath }) => [path, changeType, oldPath]);
  return createHash("sha256")
    .update(JSON.stringify([files, totalChangedFiles, unpushedCommits, totalUnpushedCommits]))
    .digest("base64url");
}

/** Whoever may name things at a plane must not write to this computer's terminals. */
export function plain(text: string): string {
  return withoutControls(text).slice(0, maxTextLength);
}
