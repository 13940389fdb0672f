import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { createValidator } from "@bufbuild/protovalidate";
import { toConnectError } from "../contract/connect-error.ts";

/** Refuses requests that break the API's own rules before any method sees them. */
export function validateRequests(): Interceptor {
  const validator = createValidator();
  return (next) => async (request) => {
    if (request.stream) return next(request);
    const result = validator.validate(request.method.input, request.message);
    if (result.kind === "invalid")
      throw new ConnectError(
        result.violations
          .map(
            (violation) =>
              `${violation.field
                .map((f) => ("name" in f ? f.name : ""))
                .filter((n) => n !== "")
                .join(".")}: ${violation.message}`,
          )
          .join("; "),
        Code.InvalidArgument,
      );
    if (result.kind === "error") throw ConnectError.from(result.error, Code.InvalidArgument);
    return next(request);
  };
}

/** Gives errors their code and details of the catalogue. */
export function translateErrors(): Interceptor {
  return (next) => async (request) => {
    try {
      return await next(request);
    } catch (error) {
      throw toConnectError(error);
    }
  };
}

/** @gitpod/sdk 0.6 asks for further pages in the query of the URL; they are put where the methods look. */
export function paginationFromQuery(): Interceptor {
  return (next) => async (request) => {
    if (request.stream) return next(request);
    const query = new URL(request.url, "http://localhost").searchParams;
    const { message } = request;
    if ((query.has("token") || query.has("pageSize")) && "pagination" in message) {
      const given: unknown = message.pagination;
      const before = typeof given === "object" && given !== null ? given : {};
      Object.assign(message, {
        pagination: {
          $typeName: "gitpod.v1.PaginationRequest",
          pageSize: 0,
          token: "",
          ...before,
          ...(query.has("token") ? { token: query.get("token") } : {}),
          ...(query.has("pageSize") ? { pageSize: Number(query.get("pageSize")) } : {}),
        },
      });
    }
    return next(request);
  };
}
