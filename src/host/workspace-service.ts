import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { JobKind, type ObservedEnvironment } from "../contract/gen/berth/v1/agent_pb.js";
import {
  DialSshResponseSchema,
  type EnvironmentDetails,
  EnvironmentDetailsSchema,
  type DialSshRequest,
  WatchLogResponseSchema,
  type WorkspaceService,
} from "../contract/gen/berth/v1/host_pb.js";
import type { Environment } from "../contract/gen/gitpod/v1/environment_pb.js";
import { noCacheAnnotation } from "../engine/engine.ts";
import type { MachineKeeper } from "../engine/machine-keeper.ts";
import { sshAliasOf } from "../lib/ssh-alias.ts";
import { uuidV7 } from "../lib/uuid.ts";
import type { Plane } from "../plane/create-plane.ts";
import { folderSpec } from "../plane/services/environment-service.ts";
import { dialStream } from "./dial.ts";
import { exec } from "./exec.ts";
import type { PortForwarder } from "./port-forwarder.ts";
import { ensureSshKey } from "./ssh-keys.ts";
import { BerthError } from "../contract/berth-error.ts";

export interface WorkspaceDependencies {
  readonly plane: Plane;
  readonly machine: MachineKeeper;
  readonly forwarders: ReadonlyMap<string, PortForwarder>;
  readonly sshFolder: string;
}

/** berth.v1.WorkspaceService: what clients on this computer need beyond the public API. */
export function workspaceService(dependencies: WorkspaceDependencies): Partial<ServiceImpl<typeof WorkspaceService>> {
  const { plane, machine } = dependencies;
  const find = async (id: string): Promise<Environment> => {
    const found = await plane.environmentStore.get(id);
    if (found === undefined) throw new BerthError("environment-not-found", `there is no environment ${id}`);
    return found;
  };
  return {
    getDetails: async (request) => ({ details: detailsOf(await find(request.environmentId), dependencies) }),
    createFromFolder: async (request, context) => {
      const spec = folderSpec(request.folder);
      if (request.devcontainerFilePath !== "")
        spec.devcontainer = {
          $typeName: "gitpod.v1.EnvironmentSpec.DevContainer",
          session: "",
          devcontainerFilePath: request.devcontainerFilePath,
          defaultDevcontainerImage: "",
          lifecycleStage: 0,
        };
      const environment = await plane.createEnvironment({ spec, name: request.name, annotations: {}, sessionId: "" }, context.signal);
      return { environmentId: environment.id };
    },
    rebuild: (request) => {
      const session = uuidV7(Date.now());
      plane.updateEnvironment(request.environmentId, (draft) => {
        if (draft.spec?.devcontainer !== undefined) {
          draft.spec.devcontainer.session = session;
          if (request.devcontainerFilePath !== "") draft.spec.devcontainer.devcontainerFilePath = request.devcontainerFilePath;
        }
        if (draft.metadata !== undefined && request.noCache) draft.metadata.annotations[noCacheAnnotation] = session;
      });
      return {};
    },
    watchLog: async function* (request, context) {
      const observed = machine.environment(request.environmentId);
      const jobs = (observed?.jobs ?? [])
        .filter((j) => j.kind === JobKind.CLONE || j.kind === JobKind.DEVCONTAINER_UP)
        .toSorted((a, b) => Number((a.startedAt?.seconds ?? 0n) - (b.startedAt?.seconds ?? 0n)));
      for (const job of jobs) {
        for await (const part of machine
          .agent()
          .watchJob(
            { jobId: job.jobId, environmentId: request.environmentId, offset: 0n, follow: request.follow },
            { signal: context.signal },
          )) {
          if (part.message.case === "log") yield create(WatchLogResponseSchema, { data: part.message.value.data });
        }
      }
    },
    dialSsh: (requests) => dialSsh(requests, machine),
    exec: (requests, context) => exec(requests, () => machine.agent(), context.signal),
    getSshConfig: async (request) => {
      const environment = await find(request.environmentId);
      const key = await ensureSshKey(dependencies.sshFolder, request.environmentId);
      return {
        hostAlias: sshAliasOf(environment.metadata?.name ?? "", environment.id),
        user: "berth",
        identityFile: key.path,
        hostPublicKey: machine.environment(request.environmentId)?.sshHostPublicKey ?? "",
      };
    },
  };
}

async function* dialSsh(requests: AsyncIterable<DialSshRequest>, machine: MachineKeeper) {
  const input = requests[Symbol.asyncIterator]();
  const first = await input.next();
  if (first.done === true || first.value.message.case !== "environmentId")
    throw new BerthError("ssh-failed", "the first message must name the environment");
  const stream = await dialStream(machine.agent(), { case: "sshEnvironmentId", value: first.value.message.value });
  yield create(DialSshResponseSchema, { message: { case: "connected", value: true } });
  void (async () => {
    try {
      for (let next = await input.next(); next.done !== true; next = await input.next()) {
        const { message } = next.value;
        if (message.case === "data" && !stream.write(message.value))
          await new Promise<void>((resolve) => stream.once("drain", resolve).once("close", resolve));
        if (message.case === "end") stream.end();
      }
      stream.end();
    } catch {
      stream.destroy();
    }
  })();
  try {
    for await (const chunk of stream) yield create(DialSshResponseSchema, { message: { case: "data", value: chunk as Buffer } });
    yield create(DialSshResponseSchema, { message: { case: "end", value: true } });
  } finally {
    stream.destroy();
  }
}

function detailsOf(environment: Environment, { machine, forwarders }: WorkspaceDependencies): EnvironmentDetails {
  const observed = machine.environment(environment.id);
  const host = sshAliasOf(environment.metadata?.name ?? "", environment.id);
  return create(EnvironmentDetailsSchema, {
    environmentId: environment.id,
    steps: stepsOf(observed),
    ports: (forwarders.get(environment.id)?.forwards ?? []).map((f) => ({
      ...f,
      url: f.hostPort === 0 ? "" : `http://127.0.0.1:${f.hostPort}`,
    })),
    sshHost: host,
    sshCommand: `ssh ${host}`,
    devcontainerFilePaths: observed?.content?.devcontainerFilePaths ?? [],
    recovery: observed?.devcontainer?.recovery ?? false,
  });
}

function stepsOf(observed: ObservedEnvironment | undefined) {
  return (observed?.jobs ?? [])
    .filter((j) => j.kind === JobKind.CLONE || j.kind === JobKind.DEVCONTAINER_UP)
    .flatMap((j) =>
      j.steps.map((s) => ({
        name: s.name,
        failed: s.failed,
        ...(s.startedAt === undefined ? {} : { startedAt: s.startedAt }),
        ...(s.finishedAt === undefined ? {} : { finishedAt: s.finishedAt }),
      })),
    )
    .toSorted((a, b) => Number((a.startedAt?.seconds ?? 0n) - (b.startedAt?.seconds ?? 0n)));
}
