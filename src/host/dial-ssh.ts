import { create } from "@bufbuild/protobuf";
import type { Duplex } from "node:stream";
import { BerthError } from "../contract/berth-error.ts";
import { type DialSshRequest, type DialSshResponse, DialSshResponseSchema } from "../contract/gen/berth/v1/host_pb.js";
import type { Machines } from "../engine/machines.ts";
import { feedStream } from "../lib/feed-stream.ts";
import { dialStream } from "./dial.ts";

/** WorkspaceService.DialSsh: joins a client's stream with an environment's ssh server. */
export async function* dialSsh(
  requests: AsyncIterable<DialSshRequest>,
  machines: Machines,
  signal: AbortSignal,
): AsyncGenerator<DialSshResponse> {
  const input = requests[Symbol.asyncIterator]();
  const first = await input.next();
  if (first.done === true || first.value.message.case !== "environmentId")
    throw new BerthError("ssh-failed", "the first message must name the environment");
  const { stream } = await openSsh(machines, first.value.message.value, signal);
  try {
    yield create(DialSshResponseSchema, { message: { case: "connected", value: true } });
    void feedStream(input, stream);
    for await (const chunk of stream) yield create(DialSshResponseSchema, { message: { case: "data", value: chunk as Buffer } });
    yield create(DialSshResponseSchema, { message: { case: "end", value: true } });
  } finally {
    stream.destroy();
  }
}

/** A stream to an environment's ssh server; its machine wakes for it, and stays awake until the stream is closed. */
export async function openSsh(
  machines: Machines,
  environmentId: string,
  signal: AbortSignal,
): Promise<{ readonly stream: Duplex; readonly hostPublicKey: string }> {
  const machine = machines.of(environmentId);
  const stream = await dialStream(await machine.awake(signal), { case: "sshEnvironmentId", value: environmentId });
  stream.once("close", machine.uses.hold());
  return { stream, hostPublicKey: machine.environment(environmentId)?.sshHostPublicKey ?? "" };
}
