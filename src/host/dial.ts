import { create } from "@bufbuild/protobuf";
import { Duplex } from "node:stream";
import { type DialRequest, DialRequestSchema, type DialTarget } from "../contract/gen/berth/v1/agent_pb.js";
import type { AgentClient } from "../engine/machine-view.ts";
import { AsyncQueue } from "../lib/async-queue.ts";

const maxQueuedChunks = 16;

/** A byte stream into the machine as a Node stream; fails when its target cannot be reached. */
export async function dialStream(agent: AgentClient, target: DialTarget["target"]): Promise<Duplex> {
  const queue = new AsyncQueue<DialRequest>(maxQueuedChunks);
  const abort = new AbortController();
  await queue.push(create(DialRequestSchema, { message: { case: "target", value: { target } } }));
  const answers = agent.dial(queue, { signal: abort.signal })[Symbol.asyncIterator]();
  const first = await answers.next();
  if (first.done === true || first.value.message.case !== "connected") throw new Error("the machine refused the connection");
  return new Duplex({
    allowHalfOpen: true,
    read() {
      answers.next().then(
        (next) => {
          if (next.done === true || next.value.message.case === "end") this.push(null);
          else if (next.value.message.case === "data") this.push(Buffer.from(next.value.message.value));
          else this.read();
        },
        (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))),
      );
    },
    write(chunk: Buffer, _encoding, done) {
      queue.push(create(DialRequestSchema, { message: { case: "data", value: chunk } })).then(
        () => done(),
        (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
      );
    },
    final(done) {
      queue.push(create(DialRequestSchema, { message: { case: "end", value: true } })).then(
        () => done(),
        (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
      );
    },
    destroy(error, done) {
      queue.end();
      abort.abort();
      done(error);
    },
  });
}
