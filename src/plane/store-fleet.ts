import { BerthError } from "../contract/berth-error.ts";
import { RunnerPhase } from "../contract/gen/gitpod/v1/runner_pb.js";
import type { Fleet } from "./fleet.ts";
import type { RunnerCalls } from "./runners/runner-calls.ts";
import { environmentClassKind, runnerKind } from "./store/fleet-kinds.ts";
import type { Store } from "./store/store.ts";

/** The runners that signed up, as the store has them; `calls` is how one that is connected is asked. */
export function storeFleet(store: Store, calls: RunnerCalls): Fleet {
  return {
    runners: async (organizationId) => (await store.inOrganization(organizationId).all(runnerKind)).map(({ message }) => message),
    classes: async (organizationId) => (await store.inOrganization(organizationId).all(environmentClassKind)).map(({ message }) => message),
    findClass: async (organizationId, id) => (await store.inOrganization(organizationId).get(environmentClassKind, id))?.message,
    engineCalls: async (organizationId, runnerId) => {
      const runner = await store.inOrganization(organizationId).get(runnerKind, runnerId);
      if (runner === undefined) throw new BerthError("resource-not-found", `there is no runner ${runnerId}`);
      return {
        parseContextUrl: async (request, signal) => calls.parseContextUrl(runnerId, request, signal),
        // A runner that is away learns of it when it is back, and says in the status what it cannot carry out.
        validateSpec: async () => {
          const { phase } = runner.message.status ?? {};
          if (phase === RunnerPhase.DELETING || phase === RunnerPhase.DELETED)
            throw new BerthError("runner-unreachable", `'${runner.message.name}' is being deleted`);
        },
      };
    },
  };
}
