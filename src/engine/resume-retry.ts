import { type Log, messageOf } from "../lib/log.ts";

/** A machine that stopped for want of space on the host is tried again after this. */
const retryMs = 10_000;

/** Continues a machine that the hypervisor paused, again and again until it is told to stop. */
export class ResumeRetry {
  readonly #resume: () => Promise<void>;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;

  constructor(resume: () => Promise<void>, log: Log) {
    this.#resume = resume;
    this.#log = log;
  }

  get isActive(): boolean {
    return this.#timer !== undefined;
  }

  begin(): void {
    if (this.#timer !== undefined) return;
    this.#log.warn("the machine is paused because the disk of this computer is full");
    this.#timer = setInterval(() => {
      this.#resume().catch((error: unknown) => this.#log.info("the machine was not continued", { reason: messageOf(error) }));
    }, retryMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
