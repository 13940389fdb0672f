import { isMessage } from "@bufbuild/protobuf";
import { type Environment, EnvironmentSchema } from "../contract/gen/gitpod/v1/environment_pb.js";
import { ResourceOperation } from "../contract/gen/gitpod/v1/event_pb.js";
import { environmentKind } from "./store/kinds.ts";
import type { OrganizationStore, Store } from "./store/store.ts";

/**
 * The environments of an embedded plane in memory, for whoever cannot wait: this process makes all changes, and they
 * are here before anybody else is told of them.
 */
export class KnownEnvironments {
  readonly #environments: Map<string, Environment>;

  private constructor(environments: readonly Environment[]) {
    this.#environments = new Map(environments.map((environment) => [environment.id, environment]));
  }

  /** Has to be the first to subscribe to the store's events. */
  static async load(store: Store, organization: OrganizationStore): Promise<KnownEnvironments> {
    const all = await organization.all(environmentKind);
    const known = new KnownEnvironments(all.map(({ message }) => message));
    store.events.subscribe(({ kind, id, operation, message }) => {
      if (kind !== environmentKind.name) return;
      if (operation === ResourceOperation.DELETE) known.#environments.delete(id);
      else if (isMessage(message, EnvironmentSchema)) known.#environments.set(id, message);
    });
    return known;
  }

  /** In the order of creation. */
  list(): Environment[] {
    return [...this.#environments.values()];
  }

  find(id: string): Environment | undefined {
    return this.#environments.get(id);
  }
}
