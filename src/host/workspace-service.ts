import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../contract/berth-error.ts";
import { ObservedContent_State } from "../contract/gen/berth/v1/agent_pb.js";
import {
  type WorkspaceService,
  type RebuildRequest,
  type CreateFromFolderRequest,
  WatchResponseSchema,
} from "../contract/gen/berth/v1/host_pb.js";
import {
  type Environment,
  EnvironmentPhase,
  EnvironmentSpec_DevContainerSchema,
  EnvironmentSpec_MachineSchema,
} from "../contract/gen/gitpod/v1/environment_pb.js";
import { noCacheAnnotation } from "../engine/job-requests.ts";
import type { MachineKeeper } from "../engine/machine-keeper.ts";
import type { Machines } from "../engine/machines.ts";
import { sshAliasOf } from "../lib/ssh-alias.ts";
import { uuidV7 } from "../lib/uuid.ts";
import { folderSpec } from "../plane/environment-source.ts";
import type { HostParts } from "./create-host.ts";
import { detailsOf } from "./details.ts";
import { dialSsh } from "./dial-ssh.ts";
import { exec } from "./exec.ts";
import { ensureSshKey } from "./ssh-keys.ts";
import { environmentUsage } from "./usage.ts";
import { watchLog } from "./watch-log.ts";

/** berth.v1.WorkspaceService: what clients on this computer need beyond the public API. */
export function workspaceService(parts: HostParts): Partial<ServiceImpl<typeof WorkspaceService>> {
  const { plane, machines, ports, hub, paths, sshFiles } = parts;
  const find = async (id: string): Promise<Environment> => {
    const found = await plane.environmentStore.get(id);
    if (found === undefined) throw new BerthError("environment-not-found", `there is no environment ${id}`);
    return found;
  };
  return {
    watch: async function* (request, context) {
      for await (const event of hub.watch(request.fromSequence, context.signal)) yield create(WatchResponseSchema, event);
    },
    getDetails: async ({ environmentId }) => ({
      details: detailsOf(await find(environmentId), machines.kept(environmentId), ports.forwards(environmentId)),
    }),
    getEnvironmentUsage: async (request) => environmentUsage(parts, request),
    createFromFolder: async (request, context) => ({ environmentId: await createFromFolder(parts, request, context.signal) }),
    rebuild: async (request) => {
      await rebuild(parts, request);
      return {};
    },
    watchLog: async function* (request, context) {
      await find(request.environmentId);
      yield* watchLog(parts, request, context.signal);
    },
    dialSsh: (requests, context) => dialSsh(requests, machines, context.signal),
    exec: (requests, context) => exec(requests, machines, context.signal),
    refreshGitState: async ({ environmentIds }, { signal }) => ({ environments: await unsavedWork(machines, environmentIds, signal) }),
    getSshConfig: async ({ environmentId }) => {
      const environment = await find(environmentId);
      await sshFiles.write();
      return {
        hostAlias: sshAliasOf(environment.metadata?.name ?? "", environment.id),
        user: "berth",
        identityFile: (await ensureSshKey(paths.sshFolder, environmentId)).path,
        hostPublicKey: machines.of(environmentId).environment(environmentId)?.sshHostPublicKey ?? "",
        warning: sshFiles.warning,
      };
    },
  };
}

/** What git says now of those whose machine runs or is suspended; of any other nothing. */
export async function unsavedWork(machines: Machines, environmentIds: readonly string[], signal: AbortSignal) {
  const byMachine = Map.groupBy(environmentIds, (id) => machines.of(id));
  return (await Promise.all([...byMachine].map(async ([machine, ids]) => unsavedWorkOn(machine, ids, signal)))).flat();
}

async function unsavedWorkOn(machine: MachineKeeper, environmentIds: readonly string[], signal: AbortSignal) {
  if (machine.view === "asleep") await machine.awake(signal);
  const known = environmentIds.filter((id) => machine.environment(id)?.content?.state === ObservedContent_State.READY);
  if (machine.view !== "ready" || known.length === 0) return [];
  const release = machine.uses.hold();
  try {
    const observed = await machine.refresh(known, signal);
    return observed.map(({ environmentId, content }) => ({
      environmentId,
      known: content?.git !== undefined,
      changedFiles: content?.git?.totalChangedFiles ?? 0,
      unpushedCommits: content?.git?.totalUnpushedCommits ?? 0,
    }));
  } finally {
    release();
  }
}

async function createFromFolder({ plane }: HostParts, request: CreateFromFolderRequest, signal: AbortSignal): Promise<string> {
  const spec = folderSpec(request.folder);
  if (request.classId !== "") spec.machine = create(EnvironmentSpec_MachineSchema, { class: request.classId });
  if (request.devcontainerFilePath !== "")
    spec.devcontainer = create(EnvironmentSpec_DevContainerSchema, { devcontainerFilePath: request.devcontainerFilePath });
  return (await plane.createEnvironment({ spec, name: request.name, annotations: {}, sessionId: "" }, signal)).id;
}

/** A new session of the dev container is the wish to make it anew, and to have it run. */
async function rebuild({ plane }: HostParts, { environmentId, devcontainerFilePath, noCache }: RebuildRequest): Promise<void> {
  const session = uuidV7(Date.now());
  await plane.updateEnvironment(environmentId, ({ spec, metadata }) => {
    if (spec?.desiredPhase === EnvironmentPhase.DELETED) throw new BerthError("environment-busy", "it is being deleted");
    if (spec !== undefined) spec.desiredPhase = EnvironmentPhase.RUNNING;
    if (spec?.devcontainer !== undefined) {
      spec.devcontainer.session = session;
      if (devcontainerFilePath !== "") spec.devcontainer.devcontainerFilePath = devcontainerFilePath;
    }
    if (metadata !== undefined && noCache) metadata.annotations[noCacheAnnotation] = session;
  });
}
