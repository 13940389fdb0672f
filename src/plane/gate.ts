import { createContextKey, type HandlerContext, type Interceptor } from "@connectrpc/connect";
import type { DescMethod } from "@bufbuild/protobuf";
import type { Principal } from "../contract/principal.ts";
import { principalKey } from "./authorization/authorizer.ts";
import type { PlanePolicy } from "./access/plane-policy.ts";
import { type Admit, addressKey, type Authenticate, type Caller, callerKey, knownCaller } from "./caller.ts";

/** Lets a request in or throws; afterwards its caller is known. */
export type Gate = (context: Pick<HandlerContext, "requestHeader" | "values" | "service" | "method">) => Promise<void>;

/** Who comes in: as the services know them, and as the policy does. */
export interface Entrant {
  readonly caller: Caller | undefined;
  readonly principal: Principal | undefined;
}

/** Finds out who calls a method, whatever the call came over, and refuses who may not call it on anything. */
export type Enter = (call: { readonly headers: Headers; readonly address: string; readonly method: DescMethod }) => Promise<Entrant>;

const passedKey = createContextKey(false, { description: "has passed the gate" });

/** Without a policy, everything is for whoever is known. */
export function enterWith(options: {
  readonly authenticate: Authenticate;
  readonly admit: Admit;
  readonly policy: PlanePolicy | undefined;
}): Enter {
  const { authenticate, admit, policy } = options;
  return async ({ headers, address, method }) => {
    const caller = await authenticate(headers);
    admit(caller, address);
    if (policy === undefined) return { caller: knownCaller(caller), principal: undefined };
    const principal = await policy.principalOf(caller);
    policy.authorizer.admit(method, principal);
    return { caller, principal };
  };
}

/** Finds out who calls and refuses whom the policy has no row for. A server runs it before it reads a request's body. */
export function createGate(enter: Enter): Gate {
  return async ({ requestHeader, values, method }) => {
    if (values.get(passedKey)) return;
    const { caller, principal } = await enter({ headers: requestHeader, address: values.get(addressKey), method });
    values.set(callerKey, caller);
    values.set(principalKey, principal);
    values.set(passedKey, true);
  };
}

/** The gate for whoever serves without one before the body. */
export function passGate(gate: Gate): Interceptor {
  return (next) => async (request) => {
    const { header: requestHeader, contextValues: values, service, method } = request;
    await gate({ requestHeader, values, service, method });
    return next(request);
  };
}
