import { create, type DescMethod, type Message } from "@bufbuild/protobuf";
import { createContextKey, type Interceptor, type UnaryRequest, type StreamRequest } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import type { Principal } from "../../contract/principal.ts";
import { abortable } from "../../lib/abortable.ts";
import { decide, decideEarly, type Decision, type ResourceFacts, type Target } from "./policy.ts";
import { type NamedTarget, requestTargets } from "./request-targets.ts";
import type { ResourceKind } from "./row.ts";
import { authorizationTable } from "./table.ts";

/** A stream's call is not decided before its first message, and whoever opens one has it ready. */
const firstMessageTimeoutMs = 10_000;

/** Who calls, for a handler: `context.values.get(principalKey)`. */
export const principalKey = createContextKey<Principal | undefined>(undefined, { description: "who calls" });

/** A resource to look up. */
export interface ResourceReference {
  readonly kind: ResourceKind;
  /** A UUID. */
  readonly id: string;
}

export interface AuthorizerOptions {
  /** Whose credential a call has; undefined where it has none. Throws `credential-invalid` for one that is not good. */
  readonly authenticate: (headers: Headers, signal: AbortSignal) => Promise<Principal | undefined>;
  /**
   * The facts of each reference, in their order; undefined for what is not in the principal's organization, whether it
   * exists or not: one query for both, so that its time tells nothing.
   */
  readonly lookUp: (references: readonly ResourceReference[], principal: Principal) => Promise<readonly (ResourceFacts | undefined)[]>;
  /** The environment whose own address was called. */
  readonly endpointOf?: (url: URL, headers: Headers) => string | undefined;
}

/** A call, whatever it came over. */
export interface AuthorizedCall {
  readonly method: DescMethod;
  readonly message: Message;
  readonly url: string;
  readonly headers: Headers;
}

/** Refuses calls that the policy does not allow, before anything else sees them. */
export class Authorizer {
  readonly #options: AuthorizerOptions;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /**
   * Says who calls, and refuses whom no row of the method is for. To stand before the interceptors that read requests:
   * who may not call at all is not told what is wrong with the call.
   */
  authentication(): Interceptor {
    return (next) => async (request) => {
      request.contextValues.set(principalKey, await this.authenticate(request.method, request.header, request.signal));
      return next(request);
    };
  }

  /** Looks at what a request names. To stand behind the interceptors that check requests, before the handlers. */
  authorization(): Interceptor {
    return (next) => async (request) => {
      const principal = request.contextValues.get(principalKey);
      const check = async (message: Message): Promise<void> =>
        this.authorize(principal, { method: request.method, message, url: request.url, headers: request.header });
      if (request.stream) return next(await checkFirst(request, check));
      await check(request.message);
      return next(request);
    };
  }

  /** The first half, for transports without interceptors. Fails with `sign-in-required`, `credential-invalid` or `not-allowed`. */
  async authenticate(method: DescMethod, headers: Headers, signal: AbortSignal): Promise<Principal | undefined> {
    const principal = await this.#options.authenticate(headers, signal);
    this.admit(method, principal);
    return principal;
  }

  /** Refuses whom no row of the method is for, where who calls is known already. Fails with `sign-in-required` or `not-allowed`. */
  admit(method: DescMethod, principal: Principal | undefined): void {
    const name = methodName(method);
    const early = decideEarly(principal, name);
    if (early !== undefined) enforce(early);
  }

  /** The second half. Fails with `not-allowed`, or as what is named would if it did not exist. */
  async authorize(principal: Principal | undefined, call: AuthorizedCall): Promise<void> {
    const name = methodName(call.method);
    const row = authorizationTable.get(name);
    const endpointId = this.#options.endpointOf?.(new URL(call.url, "http://localhost"), call.headers);
    const named = row === undefined ? [] : requestTargets(row, call.method, call.message, endpointId);
    enforce(decide(principal, name, await this.#factsOf(named, principal)));
  }

  async #factsOf(named: readonly NamedTarget[], principal: Principal | undefined): Promise<Target[]> {
    const references = named.flatMap(({ kind, id }) => (id !== undefined && isUuid(id) ? [{ kind, id }] : []));
    const facts = principal === undefined || references.length === 0 ? [] : await this.#options.lookUp(references, principal);
    const known = new Map(references.map((reference, index) => [keyOf(reference), facts[index]]));
    return named.map(({ kind, id, field }) => ({
      kind,
      id,
      facts: id === undefined ? undefined : known.get(keyOf({ kind, id })),
      ...(field.grants === undefined ? {} : { grants: field.grants }),
      ...(field.hidden === undefined ? {} : { hidden: field.hidden }),
    }));
  }
}

function enforce(decision: Decision): void {
  if (!decision.allowed) throw new BerthError(errorCode(decision), decision.reason);
}

function errorCode({ code, missing }: Extract<Decision, { readonly allowed: false }>) {
  if (code === "unauthenticated") return "sign-in-required";
  if (code === "permission_denied") return "not-allowed";
  return missing === "environment" ? "environment-not-found" : "resource-not-found";
}

function methodName(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

function keyOf({ kind, id }: ResourceReference): string {
  return `${kind} ${id}`;
}

function isUuid(id: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id);
}

/** A stream's call is decided by its first message, which is then still there to read. */
async function checkFirst(request: StreamRequest, check: (message: Message) => Promise<void>): Promise<UnaryRequest | StreamRequest> {
  const messages = request.message[Symbol.asyncIterator]();
  const late = AbortSignal.timeout(firstMessageTimeoutMs);
  const first = await abortable(messages.next(), AbortSignal.any([request.signal, late])).catch((error: unknown) => {
    throw late.aborted ? new BerthError("timeout", `nothing came within ${firstMessageTimeoutMs / 1000} seconds`) : error;
  });
  await check(first.done === true ? create(request.method.input) : first.value);
  return { ...request, message: resumed(first, messages) };
}

async function* resumed<T>(first: IteratorResult<T>, rest: AsyncIterator<T>): AsyncGenerator<T> {
  try {
    for (let next = first; next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
