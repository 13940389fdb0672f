import { BerthError } from "../../contract/berth-error.ts";
import { type ErrorCode, errorCatalogue } from "../../contract/error-catalogue.ts";

/** A status tells failures as `code: detail`. */
export function statusError(message: string): BerthError {
  const [, code = "", detail = ""] = /^([a-z-]+): ([^]*)$/.exec(message) ?? [];
  return isCode(code) ? new BerthError(code, detail) : new BerthError("internal", message);
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code);
}
