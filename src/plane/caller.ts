import { create } from "@bufbuild/protobuf";
import { type ContextValues, createContextKey } from "@connectrpc/connect";
import { BerthError } from "../contract/berth-error.ts";
import type { TokenScope } from "../contract/principal.ts";
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
  /** What their token is limited to; undefined: nothing. */
  readonly scopes?: ReadonlySet<TokenScope>;
}

/** Says who makes a request by its headers; nobody when they prove nothing. */
export type Authenticate = (headers: Headers) => Promise<Caller | undefined>;

export const callerKey = createContextKey<Caller | undefined>(undefined, { description: "who makes the request" });

/** The address that a request came from; set by who serves. */
export const addressKey = createContextKey("", { description: "address of the client" });

/** Throws `rate-limited` where a caller, or an address from which nobody known calls, asks too much. */
export type Admit = (caller: Caller | undefined, address: string) => void;

/** Who calls. Fails with `sign-in-required` when nobody is known. */
export function callerOf({ values }: { readonly values: ContextValues }): Caller {
  return knownCaller(values.get(callerKey));
}

export function knownCaller(caller: Caller | undefined): Caller {
  if (caller === undefined) throw new BerthError("sign-in-required", "it names nobody who is known here");
  return caller;
}

export function subjectOf({ id, principal }: Caller): Subject {
  return create(SubjectSchema, { id, principal });
}
