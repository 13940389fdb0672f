import type { Principal } from "../../contract/principal.ts";
import { Authorizer } from "../authorization/authorizer.ts";
import type { Authenticate, Caller } from "../caller.ts";
import type { Store } from "../store/store.ts";
import { storeLookUp } from "./look-up.ts";
import { principalOf } from "./principal-of.ts";

/** The policy in charge of a plane's API. */
export interface PlanePolicy {
  readonly authorizer: Authorizer;
  principalOf(caller: Caller | undefined): Promise<Principal | undefined>;
}

/** The policy on what the store has of people, roles, groups and shares. */
export function planePolicy(options: { readonly store: Store; readonly authenticate: Authenticate }): PlanePolicy {
  const { store, authenticate } = options;
  const authorizer = new Authorizer({
    authenticate: async (headers) => principalOf(store, await authenticate(headers)),
    lookUp: storeLookUp(store),
  });
  return { authorizer, principalOf: async (caller) => principalOf(store, caller) };
}
