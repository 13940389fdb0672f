import type { HandlerContext } from "@connectrpc/connect";
import { BerthError } from "../contract/berth-error.ts";
import type { Principal } from "../contract/principal.ts";
import { type AuditOrigin, auditedStore } from "./audit/audited-store.ts";
import { principalKey } from "./authorization/authorizer.ts";
import { addressKey, type Caller, callerOf, subjectOf } from "./caller.ts";
import { creatingCallKey } from "./idempotency/creating-call.ts";
import type { OrganizationStore, Store } from "./store/store.ts";

/** Who calls, and the records of the organization that the call is about. */
export interface RequestScope {
  readonly caller: Caller;
  /** As the policy knows them; undefined where no policy limits what is seen. */
  readonly principal: Principal | undefined;
  readonly store: OrganizationStore;
}

/** What is looked at of the context that a method gets. */
export type CallContext = Pick<HandlerContext, "values" | "method">;

export type ScopeOf = (context: CallContext) => RequestScope;

/** The scope of a caller's own organization. */
export function scopeOfCaller(store: Store, caller: Caller, principal?: Principal): RequestScope {
  if (caller.organizationId === "") throw new BerthError("not-allowed", "it is about an organization, and this sign-in is not in one");
  return { caller, principal, store: store.inOrganization(caller.organizationId) };
}

/** Scopes of calls; with a clock, what calls change is written to the audit log. */
export function scopes(store: Store, audit?: { readonly now: () => number }): ScopeOf {
  return (context) => {
    const scope = scopeOfCaller(store, callerOf(context), context.values.get(principalKey));
    return audit === undefined ? scope : { ...scope, store: auditedStore(scope.store, auditOrigin(context, audit.now)) };
  };
}

/** Who changes something by a call, for the audit log. */
export function auditOrigin(context: CallContext, now: () => number): AuditOrigin {
  const { method, values } = context;
  return {
    actor: subjectOf(callerOf(context)),
    method: `${method.parent.typeName}/${method.name}`,
    address: values.get(addressKey),
    now,
    creatingCall: values.get(creatingCallKey),
  };
}
