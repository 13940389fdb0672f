import type { ErrorCode } from "./error-catalogue.ts";

/**
 * An expected failure that a person can act on. `code` finds title, why and what to try in the
 * catalogue; `detail` is this case's own fact ("branch 'x' does not exist on the remote").
 */
export class BerthError extends Error {
  override readonly name = "BerthError";
  readonly code: ErrorCode;
  readonly detail: string;

  constructor(code: ErrorCode, detail: string, options?: { readonly cause?: unknown }) {
    super(`${code}: ${detail}`, options);
    this.code = code;
    this.detail = detail;
  }
}
