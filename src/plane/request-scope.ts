import type { ContextValues } from "@connectrpc/connect";
import { BerthError } from "../contract/berth-error.ts";
import { type Caller, callerOf } from "./caller.ts";
import type { OrganizationStore, Store } from "./store/store.ts";

/** Who calls, and the records of the organization that the call is about. */
export interface RequestScope {
  readonly caller: Caller;
  readonly store: OrganizationStore;
}

export type ScopeOf = (context: { readonly values: ContextValues }) => RequestScope;

/** The scope of a caller's own organization. */
export function scopeOfCaller(store: Store, caller: Caller): RequestScope {
  if (caller.organizationId === "")
    throw new BerthError("request-not-permitted", "it is about an organization, and this sign-in is not in one");
  return { caller, store: store.inOrganization(caller.organizationId) };
}

export function scopes(store: Store): ScopeOf {
  return (context) => scopeOfCaller(store, callerOf(context));
}
