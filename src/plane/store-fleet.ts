import { BerthError } from "../contract/berth-error.ts";
import type { EngineCalls } from "../contract/engine-port.ts";
import type { Fleet } from "./fleet.ts";
import { environmentClassKind, runnerKind } from "./store/fleet-kinds.ts";
import type { Store } from "./store/store.ts";

/** The runners that signed up, as the store has them; `callsOf` is how one that is connected is asked. */
export function storeFleet(store: Store, callsOf: (runnerId: string) => EngineCalls | undefined): Fleet {
  return {
    runners: async (organizationId) => (await store.inOrganization(organizationId).all(runnerKind)).map(({ message }) => message),
    classes: async (organizationId) => (await store.inOrganization(organizationId).all(environmentClassKind)).map(({ message }) => message),
    engineCalls: async (organizationId, runnerId) => {
      const runner = await store.inOrganization(organizationId).get(runnerKind, runnerId);
      if (runner === undefined) throw new BerthError("resource-not-found", `there is no runner ${runnerId}`);
      const calls = callsOf(runnerId);
      if (calls === undefined) throw new BerthError("runner-unreachable", `'${runner.message.name}'`);
      return calls;
    },
  };
}
