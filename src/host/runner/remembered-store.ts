import type { EnvironmentStore } from "../../contract/engine-port.ts";
import type { Environment } from "../../contract/gen/gitpod/v1/environment_pb.js";

/**
 * A remote plane's environments, with what was seen of them last at hand for whoever cannot wait. Nobody is told of an
 * environment before it is here: which machine one is on must be known by then.
 */
export class RememberedStore implements EnvironmentStore {
  readonly #store: EnvironmentStore;
  readonly #known = new Map<string, Environment>();
  readonly #changes = new Set<(environmentId: string) => void>();

  constructor(store: EnvironmentStore) {
    this.#store = store;
  }

  find(environmentId: string): Environment | undefined {
    return this.#known.get(environmentId);
  }

  /** What is known now; `list` waits until something is. */
  get known(): readonly Environment[] {
    return [...this.#known.values()];
  }

  /** Told of each change, of spec, status or existence. */
  onAnyChange(listener: (environmentId: string) => void): () => void {
    this.#changes.add(listener);
    return () => this.#changes.delete(listener);
  }

  async list(): Promise<readonly Environment[]> {
    const listed = await this.#store.list();
    const ids = new Set(listed.map(({ id }) => id));
    for (const environment of listed) this.#known.set(environment.id, environment);
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id);
    return listed;
  }

  async get(environmentId: string): Promise<Environment | undefined> {
    const environment = await this.#store.get(environmentId);
    if (environment === undefined) this.#known.delete(environmentId);
    else this.#known.set(environmentId, environment);
    return environment;
  }

  async writeStatus(...[environmentId, status]: Parameters<EnvironmentStore["writeStatus"]>): Promise<void> {
    await this.#store.writeStatus(environmentId, status);
    await this.get(environmentId);
    this.#tell(environmentId);
  }

  async remove(environmentId: string): Promise<void> {
    await this.#store.remove(environmentId);
    this.#known.delete(environmentId);
    this.#tell(environmentId);
  }

  onSpecChange(listener: (environmentId: string) => void): () => void {
    return this.#store.onSpecChange((id) => {
      void this.get(id).then(() => {
        listener(id);
        this.#tell(id);
      });
    });
  }

  async openSecrets(environmentId: string): ReturnType<EnvironmentStore["openSecrets"]> {
    return this.#store.openSecrets(environmentId);
  }

  async openHostCredential(
    ...args: Parameters<EnvironmentStore["openHostCredential"]>
  ): ReturnType<EnvironmentStore["openHostCredential"]> {
    return this.#store.openHostCredential(...args);
  }

  #tell(environmentId: string): void {
    for (const listener of this.#changes) listener(environmentId);
  }
}
