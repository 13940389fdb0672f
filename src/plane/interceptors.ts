import type { DescMessage, Message } from "@bufbuild/protobuf";
import { createValidator, type Validator } from "@bufbuild/protovalidate";
import { ConnectError, type Interceptor } from "@connectrpc/connect";
import { BerthError } from "../contract/berth-error.ts";
import { toConnectError } from "../contract/connect-error.ts";

/** Takes a fault of ours and gives what is said of it to whoever called. */
export type TellFault = (error: unknown) => string;

/** Gives errors their code and details of the catalogue. What is none of them is a fault, whose own words may say too much. */
export function translateErrors(tellFault: TellFault): Interceptor {
  return (next) => async (request) => {
    try {
      const response = await next(request);
      return response.stream ? { ...response, message: translateStream(response.message, tellFault) } : response;
    } catch (error) {
      throw translated(error, tellFault);
    }
  };
}

/** An error as it travels. */
export function translated(error: unknown, tellFault: TellFault): ConnectError {
  if (error instanceof ConnectError || error instanceof BerthError) return toConnectError(error);
  return toConnectError(new BerthError("internal", tellFault(error), { cause: error }));
}

/** A stream fails after its call has been answered. */
async function* translateStream<T>(messages: AsyncIterable<T>, tellFault: TellFault): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    throw translated(error, tellFault);
  }
}

/** Says of methods that are not built that they are not, whatever the request holds. Names are `package.Service/Method`. */
export function refuseUnbuilt(unbuilt: ReadonlySet<string>): Interceptor {
  return (next) => async (request) => {
    const name = `${request.service.typeName}/${request.method.name}`;
    if (unbuilt.has(name)) throw new BerthError("not-supported", name);
    return next(request);
  };
}

/** Refuses requests that break the API's own rules before any method sees them. */
export function validateRequests(): Interceptor {
  const validator = createValidator();
  return (next) => async (request) => {
    if (!request.stream) validateMessage(validator, request.method.input, request.message);
    return next(request);
  };
}

/** Fails with `request-invalid`, naming each field and its rule. */
export function validateMessage(validator: Validator, schema: DescMessage, message: Message): void {
  const result = validator.validate(schema, message);
  if (result.kind === "valid") return;
  if (result.kind === "error") throw new BerthError("request-invalid", result.error.message, { cause: result.error });
  const sentences = result.violations.map(({ field, message: rule }) => {
    const path = field.flatMap((part) => ("name" in part ? [part.name] : [])).join(".");
    return path === "" ? rule : `${path}: ${rule}`;
  });
  throw new BerthError("request-invalid", sentences.join("; "));
}

/** @gitpod/sdk 0.6 asks for further pages in the query of the URL; they are put where the methods look. */
export function paginationFromQuery(): Interceptor {
  return (next) => async (request) => {
    const query = new URL(request.url, "http://localhost").searchParams;
    const token = query.get("token");
    const pageSize = query.get("pageSize");
    if (request.stream || (token === null && pageSize === null) || request.method.input.field["pagination"] === undefined)
      return next(request);
    if (pageSize !== null && !/^\d{1,9}$/.test(pageSize)) throw new BerthError("request-invalid", "pageSize is no number");
    const given = "pagination" in request.message ? request.message.pagination : undefined;
    Object.assign(request.message, {
      pagination: {
        $typeName: "gitpod.v1.PaginationRequest",
        pageSize: 0,
        token: "",
        ...(typeof given === "object" ? given : {}),
        ...(token === null ? {} : { token }),
        ...(pageSize === null ? {} : { pageSize: Number(pageSize) }),
      },
    });
    return next(request);
  };
}
