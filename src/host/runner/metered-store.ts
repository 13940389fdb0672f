import type { EnvironmentStore } from "../../contract/engine-port.ts";
import type { StartWatch } from "./start-watch.ts";

/** A store that tells a watch each status which is written to it. */
export class MeteredStore implements EnvironmentStore {
  readonly #store: EnvironmentStore;
  readonly #starts: StartWatch;

  constructor(store: EnvironmentStore, starts: StartWatch) {
    this.#store = store;
    this.#starts = starts;
  }

  async list(): ReturnType<EnvironmentStore["list"]> {
    return this.#store.list();
  }

  async get(environmentId: string): ReturnType<EnvironmentStore["get"]> {
    return this.#store.get(environmentId);
  }

  async writeStatus(...[environmentId, status]: Parameters<EnvironmentStore["writeStatus"]>): Promise<void> {
    await this.#store.writeStatus(environmentId, status);
    this.#starts.see(environmentId, status);
  }

  async remove(environmentId: string): Promise<void> {
    return this.#store.remove(environmentId);
  }

  onSpecChange(listener: (environmentId: string) => void): () => void {
    return this.#store.onSpecChange(listener);
  }

  async openSecrets(environmentId: string): ReturnType<EnvironmentStore["openSecrets"]> {
    return this.#store.openSecrets(environmentId);
  }

  async openHostCredential(
    ...args: Parameters<EnvironmentStore["openHostCredential"]>
  ): ReturnType<EnvironmentStore["openHostCredential"]> {
    return this.#store.openHostCredential(...args);
  }
}
