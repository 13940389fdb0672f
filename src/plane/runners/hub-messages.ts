import { z } from "zod";

/** A protobuf message inside of JSON. */
const bytes = z.base64().transform((text): Uint8Array => Buffer.from(text, "base64"));

const hubMessageSchema = z.discriminatedUnion("kind", [
  /** To whoever has the runner's stream. `key` names a hint, so that those about the same thing are one; calls have none. */
  z.object({ kind: z.literal("request"), requestId: z.string(), key: z.string(), request: bytes }),
  /** From who has the stream to who asked: whether the call is on its way. */
  z.object({ kind: z.literal("delivery"), requestId: z.string(), outcome: z.enum(["queued", "full"]) }),
  /** From who got the runner's answer to who asked. */
  z.object({ kind: z.literal("answer"), requestId: z.string(), runnerId: z.string(), answer: bytes }),
  /** The runner has a new stream: others end, and calls without an answer are sent again. */
  z.object({ kind: z.literal("opened"), streamId: z.string() }),
  /** Streams of other sessions end; all do, where there is no session. */
  z.object({ kind: z.literal("closed"), session: z.string().nullable() }),
]);

/** What server processes tell each other about a runner. */
export type HubMessage = z.output<typeof hubMessageSchema>;

export function encodeHubMessage(message: HubMessage): Uint8Array {
  const text = (value: Uint8Array): string => Buffer.from(value).toString("base64");
  if (message.kind === "request") return encoded({ ...message, request: text(message.request) });
  return encoded(message.kind === "answer" ? { ...message, answer: text(message.answer) } : message);
}

function encoded(value: z.input<typeof hubMessageSchema>): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** Undefined for what is none, e.g. of another version. */
export function decodeHubMessage(message: Uint8Array): HubMessage | undefined {
  try {
    return hubMessageSchema.safeParse(JSON.parse(Buffer.from(message).toString("utf8"))).data;
  } catch {
    return undefined;
  }
}

/** Where messages about a runner, and those to a process, go. */
export const runnerTopic = (runnerId: string): string => `runner/${runnerId}`;
export const processTopic = (processId: string): string => `process/${processId}`;
