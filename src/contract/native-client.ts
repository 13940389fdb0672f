/** The public OAuth client of every desktop and command line; it has no secret (RFC 8252 §8.4). */
export const nativeClientId = "berth";

/** Where a plane's authorization server is, below the plane's own address. */
export const authorizationServerPath = "/oauth";

/** A parameter of the refresh request, a secret of that one attempt: who repeats it did not get the answer. */
export const refreshAttemptParameter = "refresh_attempt";
