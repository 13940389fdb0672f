import { BerthError } from "../contract/berth-error.ts";
import { type Log, messageOf } from "../lib/log.ts";
import type { MachineDriver, MachineSpec } from "../vm/driver.ts";
import { setGuestClock } from "./guest-clock.ts";
import { settleDisk } from "./settle-disk.ts";
import { dialMachine } from "./start-machine.ts";

/** No environment's machine is called so. */
const templatePrefix = "template-";
const bootTimeoutMs = 180_000;
const retryMs = 250;

export interface TemplatesOptions {
  readonly driver: MachineDriver;
  readonly log: Log;
  readonly now: () => number;
}

/**
 * Machines that were booted, came up with their dockerd, and were suspended before anybody used them or told them
 * anything: one of each size. New machines start as copies of them, see `MachineDriver.fork`.
 */
export class Templates {
  readonly #options: TemplatesOptions;
  readonly #making = new Map<string, Promise<void>>();

  constructor(options: TemplatesOptions) {
    this.#options = options;
  }

  /** The template of this size and image, made when there is none. `anew`: what is there cannot be used. Fails as a boot does. */
  async get(spec: MachineSpec, { anew }: { readonly anew: boolean }, signal: AbortSignal): Promise<string> {
    const { driver } = this.#options;
    const id = templateIdOf(spec);
    const status = await driver.inspect(id);
    const isUsable = status.state === "off" && status.suspended !== undefined && !anew;
    if (isUsable && !this.#making.has(id)) return id;
    // Whoever comes meanwhile waits for the same one, and giving up ends the making for all.
    const making = this.#making.get(id) ?? this.#make({ ...spec, id }, signal).finally(() => this.#making.delete(id));
    this.#making.set(id, making);
    await making;
    return id;
  }

  /** Removes what a host that was killed while it made a template left, which runs on and is of no use. */
  async tidy(): Promise<void> {
    for (const id of await this.#ids()) {
      const status = await this.#options.driver.inspect(id);
      if (status.state !== "off" || status.suspended === undefined) await this.#remove(id);
    }
  }

  async #ids(): Promise<string[]> {
    return (await this.#options.driver.list()).filter((id) => id.startsWith(templatePrefix));
  }

  async #make(spec: MachineSpec, signal: AbortSignal): Promise<void> {
    const { driver, log } = this.#options;
    log.info("the template of new machines is made", { template: spec.id });
    // New machines have one size at a time; a template of another one would take its space for nothing.
    for (const id of await this.#ids()) if (id === spec.id || !this.#making.has(id)) await this.#remove(id);
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(bootTimeoutMs)]);
      await driver.create(spec, limit);
      await driver.start(spec, limit);
      await this.#prepare(spec.id, limit);
      await driver.suspend(spec.id, { signal: limit });
    } catch (error) {
      await this.#remove(spec.id);
      throw error;
    }
  }

  async #remove(id: string): Promise<void> {
    await this.#options.driver.kill(id);
    await this.#options.driver.remove(id);
  }

  /** Waits until it has come up with dockerd, and until its disk holds all of it. */
  async #prepare(id: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        return await this.#settle(id, signal);
      } catch (error) {
        if (signal.aborted) throw new BerthError("machine-boot-failed", messageOf(error), { cause: error });
        if ((await this.#options.driver.inspect(id)).state === "off")
          throw new BerthError("machine-crashed", "the template ended while it started");
        await new Promise<void>((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }

  async #settle(id: string, signal: AbortSignal): Promise<void> {
    const { driver, now } = this.#options;
    const { connection, client } = await dialMachine(driver, id, signal);
    try {
      const { dockerReady } = await client.hello({ protocol: 1 }, { signal });
      if (!dockerReady) throw new Error("dockerd is not up yet");
      await setGuestClock(client, now(), signal);
      await settleDisk(client, signal);
    } finally {
      connection.close();
    }
  }
}

/** A copy has the processors, the memory and the disk of its template. */
function templateIdOf({ cpus, memoryBytes, dataDiskLimitBytes }: MachineSpec): string {
  return `${templatePrefix}${cpus}-${Math.floor(memoryBytes / 1024 ** 2)}-${Math.floor(dataDiskLimitBytes / 1024 ** 3)}`;
}
