import { create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { EnvironmentStore } from "../../contract/engine-port.ts";
import { type Environment, EnvironmentPhase, EnvironmentStatusSchema } from "../../contract/gen/gitpod/v1/environment_pb.js";

/** Environments that a headless runner keeps at once, running or stopped. */
export const maxRunnerEnvironments = 10;

/**
 * The environments that an engine is to see: the first so many, in the order in which they were made. Others have a status
 * that says why nothing becomes of them, until there is room. What is to be deleted is always seen.
 */
export class LimitedStore implements EnvironmentStore {
  readonly #store: EnvironmentStore;
  readonly #limit: number;
  readonly #listeners = new Set<(environmentId: string) => void>();
  #admittedIds: ReadonlySet<string> = new Set();
  /** Those that wait, as seen last. */
  #refused: ReadonlySet<string> = new Set();

  constructor(store: EnvironmentStore, limit: number) {
    this.#store = store;
    this.#limit = limit;
  }

  /** How many wait for room. */
  get refusedCount(): number {
    return this.#refused.size;
  }

  async list(): Promise<readonly Environment[]> {
    const all = await this.#store.list();
    const admitted = this.#admitted(all);
    const waited = this.#refused;
    await this.#refuse(all.filter(({ id }) => !admitted.has(id)));
    // Whoever waited has room now.
    for (const id of waited) if (admitted.has(id)) for (const listener of this.#listeners) listener(id);
    return all.filter(({ id }) => admitted.has(id));
  }

  async get(environmentId: string): Promise<Environment | undefined> {
    return (await this.list()).find(({ id }) => id === environmentId);
  }

  async writeStatus(...args: Parameters<EnvironmentStore["writeStatus"]>): Promise<void> {
    return this.#store.writeStatus(...args);
  }

  async remove(environmentId: string): Promise<void> {
    await this.#store.remove(environmentId);
    await this.list();
  }

  onSpecChange(listener: (environmentId: string) => void): () => void {
    this.#listeners.add(listener);
    const end = this.#store.onSpecChange(listener);
    return () => {
      this.#listeners.delete(listener);
      end();
    };
  }

  async openSecrets(...args: Parameters<EnvironmentStore["openSecrets"]>): ReturnType<EnvironmentStore["openSecrets"]> {
    return this.#store.openSecrets(...args);
  }

  async openHostCredential(
    ...args: Parameters<EnvironmentStore["openHostCredential"]>
  ): ReturnType<EnvironmentStore["openHostCredential"]> {
    return this.#store.openHostCredential(...args);
  }

  #admitted(all: readonly Environment[]): ReadonlySet<string> {
    const going = all.filter(isGoing);
    // Whoever was let in stays, also when an older one turns up.
    const isIn = ({ id }: Environment): boolean => this.#admittedIds.has(id);
    const staying = all.filter((environment) => !isGoing(environment)).toSorted((a, b) => Number(isIn(b)) - Number(isIn(a)) || byAge(a, b));
    this.#admittedIds = new Set([...going, ...staying.slice(0, this.#limit)].map(({ id }) => id));
    return this.#admittedIds;
  }

  async #refuse(refused: readonly Environment[]): Promise<void> {
    this.#refused = new Set(refused.map(({ id }) => id));
    const message = `runner-full: it keeps ${this.#limit} environments, and those that are older fill it`;
    for (const { id, status } of refused) {
      // Written once, since each write announces itself.
      if (status?.failureMessage[0] === message) continue;
      await this.#store.writeStatus(id, create(EnvironmentStatusSchema, { phase: EnvironmentPhase.STOPPED, failureMessage: [message] }));
    }
  }
}

function isGoing({ spec }: Environment): boolean {
  return spec?.desiredPhase === EnvironmentPhase.DELETED;
}

function byAge(a: Environment, b: Environment): number {
  return madeMs(a) - madeMs(b) || (a.id < b.id ? -1 : 1);
}

function madeMs({ metadata }: Environment): number {
  return metadata?.createdAt === undefined ? 0 : timestampMs(metadata.createdAt);
}
