import { createClient } from "@connectrpc/connect";
import { BerthError } from "../contract/berth-error.ts";
import { IdentityService, Principal } from "../contract/gen/gitpod/v1/identity_pb.js";
import { UserService } from "../contract/gen/gitpod/v1/user_pb.js";
import { planeCallFailure, planeTransport } from "./plane-transport.ts";
import type { StoredSignIn } from "./token-store.ts";

/** What a header can carry, and longer than any token is. */
const tokenPattern = /^[\x21-\x7e]{1,4096}$/;

export interface TokenSignInOptions {
  readonly planeUrl: URL;
  readonly token: string;
  readonly signal: AbortSignal;
}

/**
 * Signs in with a token that the person made at the plane. Fails with `argument-invalid`, `sign-in-required` when the plane
 * does not take it, or `plane-unreachable`.
 */
export async function signInWithToken({ planeUrl, token, signal }: TokenSignInOptions): Promise<StoredSignIn> {
  if (!tokenPattern.test(token)) throw new BerthError("argument-invalid", "this is no personal access token");
  const transport = planeTransport(planeUrl);
  const options = { headers: { authorization: `Bearer ${token}` }, signal };
  try {
    const { subject, organizationId } = await createClient(IdentityService, transport).getAuthenticatedIdentity({}, options);
    if (subject === undefined || (subject.principal !== Principal.USER && subject.principal !== Principal.SERVICE_ACCOUNT))
      throw new BerthError("argument-invalid", "this token is not a person's and not a service account's");
    const isUser = subject.principal === Principal.USER;
    const user = isUser ? (await createClient(UserService, transport).getAuthenticatedUser({}, options)).user : undefined;
    return {
      version: 1,
      planeUrl: planeUrl.href,
      organizationId,
      accountId: subject.id,
      name: user === undefined || user.name === "" ? subject.id : user.name,
      refreshToken: "",
      accessToken: token,
      // When it ends, the plane says so.
      accessTokenExpiresAtMs: Number.MAX_SAFE_INTEGER,
    };
  } catch (error) {
    signal.throwIfAborted();
    throw planeCallFailure(error);
  }
}
