import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { Principal } from "../../contract/gen/gitpod/v1/identity_pb.js";
import type { SecretService } from "../../contract/gen/gitpod/v1/secret_pb.js";
import type { ScopeOf } from "../request-scope.ts";
import type { Sealer } from "../seal.ts";
import { secretOwner, secretsOf } from "../secrets.ts";
import { environmentKind, secretKind } from "../store/kinds.ts";
import { found } from "./found.ts";

type GetSecretValue = NonNullable<Partial<ServiceImpl<typeof SecretService>>["getSecretValue"]>;

/** SecretService.GetSecretValue: an environment reads the secrets that reach it; everybody else is answered by `others`. */
export function environmentSecretValue(
  { scopeOf, sealer }: { readonly scopeOf: ScopeOf; readonly sealer: Sealer },
  others: GetSecretValue | undefined,
): GetSecretValue {
  return async (request, context) => {
    const { caller, store } = scopeOf(context);
    if (caller.principal !== Principal.ENVIRONMENT) {
      if (others === undefined) throw new BerthError("secret-value-hidden", request.secretId);
      return others(request, context);
    }
    const { secretId } = request;
    const environment = await found(store, environmentKind, caller.id, "environment");
    const secret = await found(store, secretKind, secretId, "secret");
    if (secretsOf(environment.message, [secret.message]).length === 0)
      throw new BerthError("resource-not-found", `there is no secret ${secretId}`);
    const sealed = await store.sealed(secretKind, secretId);
    if (sealed === undefined) throw new BerthError("resource-not-found", `there is no secret ${secretId}`);
    return { value: sealer.open(sealed, secretOwner(secretId)) };
  };
}
