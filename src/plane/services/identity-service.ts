import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { type IdentityService, IDTokenVersion, Principal } from "../../contract/gen/gitpod/v1/identity_pb.js";
import { type Caller, callerOf, subjectOf } from "../caller.ts";
import type { IdTokenIssuer } from "../id-tokens/id-token-issuer.ts";
import type { TokenPrincipal } from "../id-tokens/subject.ts";
import { environmentKind } from "../store/kinds.ts";
import type { Store } from "../store/store.ts";
import { found } from "./found.ts";

/** gitpod.v1.IdentityService: who calls, and tokens by which they prove it elsewhere. */
export function identityService(needs: {
  readonly store: Store;
  readonly idTokens: Pick<IdTokenIssuer, "issue"> | undefined;
}): Partial<ServiceImpl<typeof IdentityService>> {
  const { store, idTokens } = needs;
  return {
    getAuthenticatedIdentity: (_request, context) => {
      const caller = callerOf(context);
      return { subject: subjectOf(caller), organizationId: caller.organizationId };
    },
    ...(idTokens === undefined
      ? {}
      : {
          getIDToken: async ({ audience, version }, context) => {
            if (version === IDTokenVersion.ID_TOKEN_VERSION_V1)
              throw new BerthError("request-invalid", "version: tokens of version 1 are not given any more");
            const principal = await principalOf(store, callerOf(context));
            return { token: await idTokens.issue({ principal, audience, version: "v2" }) };
          },
        }),
  };
}

async function principalOf(store: Store, { principal, id, organizationId }: Caller): Promise<TokenPrincipal> {
  switch (principal) {
    case Principal.USER:
      return { organizationId, userId: id };
    case Principal.SERVICE_ACCOUNT:
      return { organizationId, serviceAccountId: id };
    case Principal.RUNNER:
      return { organizationId, runnerId: id };
    case Principal.ENVIRONMENT: {
      const { metadata } = (await found(store.inOrganization(organizationId), environmentKind, id, "environment")).message;
      const projectId = metadata?.projectId ?? "";
      return { organizationId, ...(projectId === "" ? {} : { projectId }), environmentId: id };
    }
    default:
      throw new BerthError("not-allowed", "a token is about somebody or something of an organization");
  }
}
