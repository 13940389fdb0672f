import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { Code, ConnectError } from "@connectrpc/connect";
import type { SecretService } from "../../contract/gen/gitpod/v1/secret_pb.js";
import { type Secret, SecretSchema } from "../../contract/gen/gitpod/v1/secret_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import type { LocalIdentity } from "../local-identity.ts";
import { paginate } from "../pagination.ts";
import type { ResourceStore } from "../resource-store.ts";
import type { Sealer } from "../seal.ts";

/** gitpod.v1.SecretService. Values go in and, to people, never out again. */
export function secretService({
  identity,
  secrets,
  sealer,
  now,
}: {
  readonly identity: LocalIdentity;
  readonly secrets: ResourceStore<typeof SecretSchema>;
  readonly sealer: Sealer;
  readonly now: () => number;
}): Partial<ServiceImpl<typeof SecretService>> {
  const find = (id: string): Secret => {
    const found = secrets.get(id);
    if (found === undefined) throw new ConnectError("there is no such secret", Code.NotFound);
    return found;
  };
  return {
    createSecret: (request) => {
      if (secrets.list().some((s) => s.name === request.name && s.mount.case === request.mount.case))
        throw new ConnectError(`there is a secret '${request.name}' already`, Code.AlreadyExists);
      const id = uuidV7(now());
      const at = timestampFromMs(now());
      const secret = create(SecretSchema, {
        id,
        name: request.name,
        createdAt: at,
        updatedAt: at,
        creator: identity.subject,
        mount: request.mount,
        scope: request.scope ?? { scope: { case: "userId", value: identity.userId } },
      });
      secrets.put(id, secret, { nowMs: now(), sealed: sealer.seal(request.value, `secret/${id}`) });
      return { secret };
    },
    updateSecretValue: (request) => {
      const secret = find(request.secretId);
      secrets.put(
        secret.id,
        { ...secret, updatedAt: timestampFromMs(now()) },
        { nowMs: now(), sealed: sealer.seal(request.value, `secret/${secret.id}`) },
      );
      return {};
    },
    listSecrets: (request) => {
      const { page, nextToken } = paginate(secrets.list(), (s) => s.id, request.pagination);
      return { secrets: page, pagination: { nextToken } };
    },
    deleteSecret: (request) => {
      find(request.secretId);
      secrets.delete(request.secretId);
      return {};
    },
  };
}
