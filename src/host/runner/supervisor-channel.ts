import { z } from "zod";

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

/** The supervisor as the runner's process sees it. */
export class Supervisor {
  readonly #process: NodeJS.Process;
  /** What those who asked for a check wait for. */
  #checked: PromiseWithResolvers<void> | undefined;

  constructor(child: NodeJS.Process) {
    this.#process = child;
    child.on("message", (message) => {
      const parsed = supervisorMessageSchema.safeParse(message).data;
      if (parsed?.kind === "are-you-alive") this.#send({ kind: "alive" });
      else if (parsed?.kind === "checked") this.#endCheck();
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

  /** Resolves when a check for a newer version has ended, one for all who ask; a new version is tried after that. */
  async updateNow(): Promise<void> {
    if (this.#checked === undefined) {
      this.#checked = Promise.withResolvers<void>();
      this.#send({ kind: "update-now" });
    }
    // Without a time limit of its own: the steps of a check have theirs, and this process ends with its supervisor.
    return this.#checked.promise;
  }

  #endCheck(): void {
    this.#checked?.resolve();
    this.#checked = undefined;
  }

  #send(message: ChildMessage): void {
    if (this.#process.connected) this.#process.send?.(message);
  }
}
