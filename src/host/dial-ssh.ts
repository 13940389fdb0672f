import { create } from "@bufbuild/protobuf";
import type { Duplex } from "node:stream";
import { BerthError } from "../contract/berth-error.ts";
import { type DialSshRequest, type DialSshResponse, DialSshResponseSchema } from "../contract/gen/berth/v1/host_pb.js";
import type { MachineKeeper } from "../engine/machine-keeper.ts";
import { dialStream } from "./dial.ts";

/** WorkspaceService.DialSsh: joins a client's stream with an environment's ssh server. */
export async function* dialSsh(requests: AsyncIterable<DialSshRequest>, machine: MachineKeeper): AsyncGenerator<DialSshResponse> {
  const input = requests[Symbol.asyncIterator]();
  const first = await input.next();
  if (first.done === true || first.value.message.case !== "environmentId")
    throw new BerthError("ssh-failed", "the first message must name the environment");
  const stream = await dialStream(machine.agent(), { case: "sshEnvironmentId", value: first.value.message.value });
  yield create(DialSshResponseSchema, { message: { case: "connected", value: true } });
  void feed(input, stream);
  try {
    for await (const chunk of stream) yield create(DialSshResponseSchema, { message: { case: "data", value: chunk as Buffer } });
    yield create(DialSshResponseSchema, { message: { case: "end", value: true } });
  } finally {
    stream.destroy();
  }
}

async function feed(input: AsyncIterator<DialSshRequest>, stream: Duplex): Promise<void> {
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
}
