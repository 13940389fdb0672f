import { create } from "@bufbuild/protobuf";
import type { Duplex } from "node:stream";
import { type DialRequest, DialRequestSchema, type DialTarget } from "../contract/gen/berth/v1/agent_pb.js";
import type { AgentClient } from "../engine/machine-view.ts";
import { AsyncQueue } from "../lib/async-queue.ts";
import { messageStream } from "../lib/message-stream.ts";

const maxQueuedChunks = 16;

/** A byte stream into the machine as a Node stream; fails when its target cannot be reached. */
export async function dialStream(agent: AgentClient, target: DialTarget["target"]): Promise<Duplex> {
  const queue = new AsyncQueue<DialRequest>(maxQueuedChunks);
  const abort = new AbortController();
  await queue.push(create(DialRequestSchema, { message: { case: "target", value: { target } } }));
  const answers = agent.dial(queue, { signal: abort.signal })[Symbol.asyncIterator]();
  const first = await answers.next();
  if (first.done === true || first.value.message.case !== "connected") throw new Error("the machine refused the connection");
  return messageStream({
    answers,
    send: async (message) => queue.push(create(DialRequestSchema, { message })),
    close: () => {
      queue.end();
      abort.abort();
    },
  });
}
