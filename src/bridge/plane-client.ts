import * as client from "openid-client";
import { BerthError } from "../contract/berth-error.ts";
import { authorizationServerPath, nativeClientId } from "../contract/native-client.ts";
import { parsePlaneAddress } from "../contract/plane-address.ts";
import { messageOf } from "../lib/log.ts";

/** Much longer than a plane waits for an identity provider, so that its answer arrives. */
const requestTimeoutS = 15;
/** Clocks of people's computers are off; what they check came straight from the plane, over TLS. */
const clockToleranceS = 15 * 60;
/** Errors of OAuth that say: later. */
const passing: ReadonlySet<string> = new Set(["temporarily_unavailable", "server_error"]);

/** A plane's address as a person typed it. Fails with `argument-invalid`; plain http only for a plane on this computer. */
export function parsePlaneUrl(text: string): URL {
  return new URL(parsePlaneAddress(text).origin);
}

/** What is known of a plane's authorization server. Fails with `plane-unreachable`. */
export async function discoverPlane(planeUrl: URL): Promise<client.Configuration> {
  try {
    const execute = [client.enableNonRepudiationChecks, ...(planeUrl.protocol === "http:" ? [client.allowInsecureRequests] : [])];
    const issuer = new URL(authorizationServerPath, planeUrl);
    return await client.discovery(issuer, nativeClientId, { [client.clockTolerance]: clockToleranceS }, client.None(), {
      execute,
      timeout: requestTimeoutS,
    });
  } catch (error) {
    throw new BerthError("plane-unreachable", `${planeUrl.host}: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * What a failed request to the plane means. `fallback` is for answers that say no; a plane that is away or broken is
 * `plane-unreachable`, and nobody is signed out for that.
 */
export function planeFailure(error: unknown, fallback: "sign-in-refused" | "sign-in-required"): BerthError {
  if (error instanceof BerthError) return error;
  if (error instanceof client.ResponseBodyError || error instanceof client.AuthorizationResponseError) {
    const isBroken = (error instanceof client.ResponseBodyError && error.status >= 500) || passing.has(error.error);
    const code = /^[a-z_]{1,40}$/.test(error.error) ? error.error : "an error";
    if (!isBroken) return new BerthError(fallback, `the plane answered '${code}'`, { cause: error });
  }
  // These are about what was in an answer, and not about getting one.
  const isLie = error instanceof client.ClientError && /JWT|NONCE|INVALID_RESPONSE|KEY_SELECTION|JSON_ATTRIBUTE/.test(error.code ?? "");
  if (isLie)
    return new BerthError("sign-in-provider-untrusted", `the plane's answer failed a check (${error.code ?? ""})`, { cause: error });
  return new BerthError("plane-unreachable", messageOf(error), { cause: error });
}
