import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { createContextKey, type HandlerContext, type Interceptor } from "@connectrpc/connect";
import { BerthError } from "../contract/berth-error.ts";
import { type Admit, addressKey, type Authenticate, callerKey, knownCaller } from "./caller.ts";

/** Lets a request in or throws; afterwards its caller is known. */
export type Gate = (context: Pick<HandlerContext, "requestHeader" | "values" | "service" | "method">) => Promise<void>;

const passedKey = createContextKey(false, { description: "has passed the gate" });

/**
 * Finds out who calls, and refuses who asks too much, nobody but for methods (`package.Service/Method`) that anybody may
 * call, and changes of who may only look. A server runs it before it reads a request's body.
 */
export function createGate(options: {
  readonly authenticate: Authenticate;
  readonly admit: Admit;
  readonly openMethods: ReadonlySet<string>;
}): Gate {
  return async ({ requestHeader, values, service, method }) => {
    if (values.get(passedKey)) return;
    const caller = await options.authenticate(requestHeader);
    options.admit(caller, values.get(addressKey));
    if (!options.openMethods.has(`${service.typeName}/${method.name}`)) knownCaller(caller);
    // What changes nothing says so in the API's schema.
    if (caller?.isReadOnly === true && method.idempotency !== MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS)
      throw new BerthError("request-not-permitted", "the token is for reading only");
    values.set(callerKey, caller);
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
