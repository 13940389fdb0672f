import { BerthError } from "../../contract/berth-error.ts";
import { EnvironmentService } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { ResourceOperation } from "../../contract/gen/gitpod/v1/event_pb.js";
import type { Plane } from "../../plane/create-plane.ts";
import { PlaneEvents } from "../../plane/events.ts";
import { environmentKind } from "../../plane/store/kinds.ts";
import type { StoreEvents } from "../../plane/store/store.ts";
import type { RememberedStore } from "./remembered-store.ts";
import type { RunnerConnection } from "./runner-connection.ts";

/**
 * A remote plane in the place of the embedded one. On this computer its environments can be looked at; they are made and
 * changed where the plane is.
 */
export function remotePlane(
  embedded: Plane,
  { planeUrl }: Pick<RunnerConnection, "planeUrl">,
  store: RememberedStore,
  /** What an environment's class says; undefined where it is not known. */
  isDedicated: (environmentId: string) => boolean | undefined,
): Plane {
  const elsewhere = (): never => {
    throw new BerthError("not-supported", `environments of this runner are made and changed on its plane, ${planeUrl}`);
  };
  return {
    ...embedded,
    environmentStore: store,
    events: new PlaneEvents(eventsOf(store)),
    routes: (router) => {
      router.service(EnvironmentService, {
        listEnvironments: async () => ({ environments: [...(await store.list())] }),
        getEnvironment: async ({ environmentId }) => {
          const environment = await store.get(environmentId);
          if (environment === undefined) throw new BerthError("environment-not-found", `'${environmentId}'`);
          return { environment };
        },
        createEnvironment: elsewhere,
        startEnvironment: elsewhere,
        stopEnvironment: elsewhere,
        updateEnvironment: elsewhere,
        deleteEnvironment: elsewhere,
      });
    },
    createEnvironment: async () => elsewhere(),
    updateEnvironment: async () => elsewhere(),
    // A runner's environments have a machine each, unless their class says that they share one.
    isDedicated: (id) => {
      const environment = store.find(id);
      return environment !== undefined && (isDedicated(id) ?? environment.spec?.machine?.class !== embedded.sharedClassId);
    },
    exists: (id) => store.find(id) !== undefined,
    nameOf: (id) => store.find(id)?.metadata?.name ?? id,
  };
}

function eventsOf(store: RememberedStore): StoreEvents {
  return {
    subscribe: (listener) =>
      store.onAnyChange((id) =>
        listener({
          organizationId: store.find(id)?.metadata?.organizationId ?? "",
          kind: environmentKind.name,
          id,
          operation: store.find(id) === undefined ? ResourceOperation.DELETE : ResourceOperation.UPDATE,
          creatorId: store.find(id)?.metadata?.creator?.id ?? "",
          parentId: "",
        }),
      ),
    position: async () => "",
    after: async () => [],
  };
}
