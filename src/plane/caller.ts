import { create } from "@bufbuild/protobuf";
import { type ContextValues, createContextKey, type Interceptor } from "@connectrpc/connect";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { BerthError } from "../contract/berth-error.ts";
import { type Subject, SubjectSchema, type Principal } from "../contract/gen/gitpod/v1/identity_pb.js";

/** Who makes a request. */
export interface Caller {
  readonly principal: Principal;
  /** Of the user, account, service account, runner or environment, as `principal` says. */
  readonly id: string;
  /** Empty for an account, which is beyond organizations. */
  readonly organizationId: string;
  /** The person behind a user; empty for who is no person. */
  readonly accountId: string;
  /** Of their organization. */
  readonly isAdministrator: boolean;
  /** May look and not change anything. */
  readonly isReadOnly: boolean;
}

/** Says who makes a request by its headers; nobody when they prove nothing. */
export type Authenticate = (headers: Headers) => Promise<Caller | undefined>;

const callerKey = createContextKey<Caller | undefined>(undefined, { description: "who makes the request" });

/** The address that a request came from; set by who serves. */
export const addressKey = createContextKey("", { description: "address of the client" });

/** Throws `rate-limited` where a caller, or an address from which nobody known calls, asks too much. */
export type Admit = (caller: Caller | undefined, address: string) => void;

/** Finds out who calls before anything else is done. */
export function authenticateRequests(authenticate: Authenticate, admit: Admit): Interceptor {
  return (next) => async (request) => {
    const caller = await authenticate(request.header);
    admit(caller, request.contextValues.get(addressKey));
    request.contextValues.set(callerKey, caller);
    return next(request);
  };
}

/** Who calls. Fails with `sign-in-required` when nobody is known. */
export function callerOf({ values }: { readonly values: ContextValues }): Caller {
  return knownCaller(values.get(callerKey));
}

/** Who calls; undefined where nobody is known. */
export function callerIfAny(values: ContextValues): Caller | undefined {
  return values.get(callerKey);
}

export function knownCaller(caller: Caller | undefined): Caller {
  if (caller === undefined) throw new BerthError("sign-in-required", "it names nobody who is known here");
  return caller;
}

/** Refuses requests of nobody, but for methods (`package.Service/Method`) that anybody may call. */
export function requireCaller(open: ReadonlySet<string>): Interceptor {
  return (next) => async (request) => {
    if (!open.has(`${request.service.typeName}/${request.method.name}`)) knownCaller(request.contextValues.get(callerKey));
    return next(request);
  };
}

/** Refuses changes of who may only look; what changes nothing says so in the API's schema. */
export function refuseChangesOfReaders(): Interceptor {
  return (next) => async (request) => {
    const changes = request.method.idempotency !== MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
    if (changes && request.contextValues.get(callerKey)?.isReadOnly === true)
      throw new BerthError("request-not-permitted", "the token is for reading only");
    return next(request);
  };
}

export function subjectOf({ id, principal }: Caller): Subject {
  return create(SubjectSchema, { id, principal });
}
