import { create } from "@bufbuild/protobuf";
import { spawn } from "node:child_process";
import { connect } from "node:net";
import { Duplex } from "node:stream";
import { BerthError } from "../contract/berth-error.ts";
import { toConnectError } from "../contract/connect-error.ts";
import { type DialRequest, type DialResponse, DialResponseSchema, type DialTarget } from "../contract/gen/berth/v1/agent_pb.js";
import { feedStream } from "../lib/feed-stream.ts";
import { environmentContainers } from "./devcontainer/stop.ts";
import type { DockerApi } from "./docker-api.ts";
import type { EnvironmentStates } from "./environment-state.ts";
import type { Observer } from "./observe.ts";
import type { GuestSettings } from "./settings.ts";
import { openSsh } from "./ssh.ts";

export interface DialDependencies {
  readonly docker: DockerApi;
  readonly states: EnvironmentStates;
  readonly observer: Observer;
  readonly settings: GuestSettings;
  readonly now: () => number;
}

/** Joins a Dial stream with what it names. */
export async function* dial(requests: AsyncIterable<DialRequest>, dependencies: DialDependencies): AsyncGenerator<DialResponse> {
  const iterator = requests[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true || first.value.message.case !== "target") throw new Error("the first message must be target");
  const stream = await openTarget(first.value.message.value, dependencies);
  stream.on("error", () => undefined);
  yield create(DialResponseSchema, { message: { case: "connected", value: true } });
  void feedStream(iterator, stream);
  try {
    for await (const chunk of stream) yield create(DialResponseSchema, { message: { case: "data", value: chunk as Buffer } });
    yield create(DialResponseSchema, { message: { case: "end", value: true } });
  } finally {
    stream.destroy();
  }
}

async function openTarget(target: DialTarget, dependencies: DialDependencies): Promise<Duplex> {
  switch (target.target.case) {
    case "docker":
      return connected(connect(dependencies.settings.dockerSocket));
    case "sshEnvironmentId": {
      const { container, devcontainer, id } = running(target.target.value, dependencies);
      dependencies.observer.markActive(id, dependencies.now());
      return openSsh(
        {
          environmentId: id,
          containerId: container.Id,
          containerPid: container.State.Pid,
          remoteUser: devcontainer.remoteUser,
          workspaceFolder: devcontainer.remoteWorkspaceFolder,
        },
        dependencies.states,
        dependencies.settings.runFolder,
      );
    }
    case "port":
      return openPort(target.target.value.environmentId, target.target.value.host, target.target.value.port, dependencies);
    case undefined:
      throw new Error("the target is missing");
  }
}

function running(id: string, { observer, states }: DialDependencies) {
  const container = observer.container(id);
  const devcontainer = states.get(id)?.devcontainer;
  if (container === undefined || devcontainer === undefined || !container.State.Running)
    throw toConnectError(new BerthError("environment-not-running", "its dev container does not run"));
  return { container, devcontainer, id };
}

const composeServiceLabel = "com.docker.compose.service";

/** A port of the container's own localhost, or of another service of its Compose project by that service's address. */
async function openPort(id: string, host: string, port: number, dependencies: DialDependencies): Promise<Duplex> {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error("a port is a number from 1 to 65535");
  const { container } = running(id, dependencies);
  if (host === "" || host === "localhost" || host === container.Config.Labels[composeServiceLabel]) {
    const child = spawn("nsenter", [`--net=/proc/${container.State.Pid}/ns/net`, "socat", "-", `TCP:localhost:${port}`], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
    child.once("error", (error) => stream.destroy(error));
    stream.once("close", () => child.kill());
    return stream;
  }
  const service = (await environmentContainers(id, dependencies.docker)).find((c) => c.Labels[composeServiceLabel] === host);
  const inspected = service === undefined ? undefined : await dependencies.docker.inspect(service.Id);
  const address = Object.values(inspected?.NetworkSettings.Networks ?? {}).find((network) => network.IPAddress !== "")?.IPAddress;
  if (address === undefined) throw new Error(`there is no running service '${host}'`);
  return connected(connect(port, address));
}

async function connected(socket: ReturnType<typeof connect>): Promise<Duplex> {
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return socket;
}
