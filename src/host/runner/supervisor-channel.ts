import { z } from "zod";
import { BerthError } from "../../contract/berth-error.ts";

/** What a runner's process tells its supervisor. */
export const childMessageSchema = z.discriminatedUnion("kind", [
  /** Its machines are adopted and its API answers. */
  z.object({ kind: z.literal("ready") }),
  z.object({ kind: z.literal("link"), isConnected: z.boolean() }),
  z.object({ kind: z.literal("alive") }),
  /** A call ended it: the service ends with it. */
  z.object({ kind: z.literal("ended-by-call") }),
  z.object({ kind: z.literal("update-now") }),
]);
export type ChildMessage = z.infer<typeof childMessageSchema>;

/** What the supervisor tells the runner's process. */
const supervisorMessageSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("are-you-alive") }),
  /** The check that was asked for has ended; what came of it stands in the update's state. */
  z.object({ kind: z.literal("checked") }),
]);
export type SupervisorMessage = z.infer<typeof supervisorMessageSchema>;

/** A check and a download over a slow connection. */
const checkTimeoutMs = 15 * 60_000;

/** The supervisor as the runner's process sees it. */
export class Supervisor {
  readonly #process: NodeJS.Process;
  #checked = Promise.withResolvers<void>();

  constructor(child: NodeJS.Process) {
    this.#process = child;
    child.on("message", (message) => {
      const parsed = supervisorMessageSchema.safeParse(message).data;
      if (parsed?.kind === "are-you-alive") this.#send({ kind: "alive" });
      else if (parsed?.kind === "checked") this.#checked.resolve();
    });
  }

  ready(): void {
    this.#send({ kind: "ready" });
  }

  link(isConnected: boolean): void {
    this.#send({ kind: "link", isConnected });
  }

  endedByCall(): void {
    this.#send({ kind: "ended-by-call" });
  }

  /** Resolves when a check for a newer version has ended; a new version is tried after that. Fails with `timeout`. */
  async updateNow(): Promise<void> {
    this.#checked = Promise.withResolvers<void>();
    this.#send({ kind: "update-now" });
    const signal = AbortSignal.timeout(checkTimeoutMs);
    await Promise.race([
      this.#checked.promise,
      new Promise<never>((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new BerthError("timeout", "the check for a newer version did not end")));
      }),
    ]);
  }

  #send(message: ChildMessage): void {
    if (this.#process.connected) this.#process.send?.(message);
  }
}
