import { create } from "@bufbuild/protobuf";
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
  const environmentId = first.value.message.value;
  const machine = machines.of(environmentId);
  const stream = await dialStream(await machine.awake(signal), { case: "sshEnvironmentId", value: environmentId });
  const release = machine.uses.hold();
  try {
    yield create(DialSshResponseSchema, { message: { case: "connected", value: true } });
    void feedStream(input, stream);
    for await (const chunk of stream) yield create(DialSshResponseSchema, { message: { case: "data", value: chunk as Buffer } });
    yield create(DialSshResponseSchema, { message: { case: "end", value: true } });
  } finally {
    release();
    stream.destroy();
  }
}
