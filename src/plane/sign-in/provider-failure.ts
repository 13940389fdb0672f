import { AuthorizationResponseError, ClientError, ResponseBodyError } from "openid-client";
import { BerthError } from "../../contract/berth-error.ts";

/** Codes of openid-client that mean the provider is broken, and not that somebody lies. */
const brokenAnswers: ReadonlySet<string> = new Set([
  "OAUTH_TIMEOUT",
  "OAUTH_ABORT",
  "OAUTH_RESPONSE_IS_NOT_CONFORM",
  "OAUTH_RESPONSE_IS_NOT_JSON",
  "OAUTH_PARSE_ERROR",
  "OAUTH_INVALID_SERVER_METADATA",
  "OAUTH_MISSING_SERVER_METADATA",
]);
/** Codes that mean one of its endpoints is no address for us. */
const forbiddenAddresses: ReadonlySet<string> = new Set(["OAUTH_REQUEST_PROTOCOL_FORBIDDEN", "OAUTH_HTTP_REQUEST_FORBIDDEN"]);
const maxCauses = 5;

/**
 * What a failed exchange with a provider means to a person. Its own words are left out: they are written by whoever
 * runs it, and may hold what was sent. The cause goes to the log.
 */
export function providerFailure(error: unknown): BerthError {
  let cause: unknown = error;
  for (let depth = 0; depth < maxCauses && cause instanceof Error; depth++) {
    if (cause instanceof BerthError) return cause;
    cause = cause.cause;
  }
  if (error instanceof AuthorizationResponseError) return new BerthError("sign-in-refused", reasonOf(error.error), { cause: error });
  if (error instanceof ResponseBodyError)
    return error.error === "invalid_grant"
      ? new BerthError("sign-in-provider-untrusted", "the provider did not know the code that the browser brought", { cause: error })
      : new BerthError("sign-in-refused", reasonOf(error.error), { cause: error });
  if (error instanceof ClientError && forbiddenAddresses.has(error.code ?? ""))
    return new BerthError("address-not-allowed", "one of the provider's endpoints is not https", { cause: error });
  if (error instanceof ClientError && !brokenAnswers.has(error.code ?? ""))
    return new BerthError("sign-in-provider-untrusted", `its answer failed a check (${error.code ?? "unknown"})`, { cause: error });
  return new BerthError("sign-in-provider-unreachable", "its answer was not understood", { cause: error });
}

/** Error codes of OAuth are a few words of ASCII (RFC 6749 §4.1.2.1); anything else is not shown. */
function reasonOf(code: string): string {
  return /^[a-z_]{1,40}$/.test(code) ? `the provider answered '${code}'` : "the provider answered with an error";
}
