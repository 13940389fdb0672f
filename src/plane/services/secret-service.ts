import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import {
  type CreateSecretRequest,
  type Secret,
  SecretSchema,
  type SecretScope,
  SecretScopeSchema,
  type SecretService,
} from "../../contract/gen/gitpod/v1/secret_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import type { LocalIdentity } from "../local-identity.ts";
import { paginate } from "../pagination.ts";
import type { ResourceStore } from "../resource-store.ts";
import type { Sealer } from "../seal.ts";
import { isSameMount, secretOwner } from "../secrets.ts";
import { refuse } from "./supported-spec.ts";

/** A comma would end the path where docker is told of it; `..` and control characters have no place in one. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const filePathPattern = /^(?:\/(?!\.\.?(?:\/|$))[^/,\u0000-\u001f\u007f]+)+$/;
const variableNamePattern = /^[A-Za-z_]/;

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
    if (found === undefined) throw new BerthError("resource-not-found", `there is no secret ${id}`);
    return found;
  };
  return {
    createSecret: (request) => {
      checkMount(request);
      checkValue(request.mount.case, request.value);
      const id = uuidV7(now());
      const at = timestampFromMs(now());
      const secret = create(SecretSchema, {
        id,
        name: request.name,
        createdAt: at,
        updatedAt: at,
        creator: identity.subject,
        mount: request.mount,
        scope: scopeOf(request, identity),
      });
      if (secrets.list().some((s) => isSameMount(s, secret) && isSameScope(s.scope, secret.scope)))
        throw new BerthError("resource-exists", `a secret '${request.name}' of this kind`);
      secrets.put(id, secret, { nowMs: now(), sealed: sealer.seal(request.value, secretOwner(id)) });
      return { secret };
    },
    updateSecretValue: ({ secretId, value }) => {
      const secret = find(secretId);
      checkValue(secret.mount.case, value);
      secrets.put(
        secret.id,
        { ...secret, updatedAt: timestampFromMs(now()) },
        { nowMs: now(), sealed: sealer.seal(value, secretOwner(secret.id)) },
      );
      return {};
    },
    listSecrets: ({ filter, pagination }) => {
      const isWanted = ({ scope }: Secret): boolean =>
        (filter?.scope?.scope.case === undefined || isSameScope(filter.scope, scope)) &&
        (filter === undefined ||
          filter.projectIds.length === 0 ||
          (scope?.scope.case === "projectId" && filter.projectIds.includes(scope.scope.value)));
      const { page, nextToken } = paginate(secrets.list().filter(isWanted), (s) => s.id, pagination);
      return { secrets: page, pagination: { nextToken } };
    },
    deleteSecret: ({ secretId }) => {
      secrets.delete(find(secretId).id);
      return {};
    },
    getSecretValue: ({ secretId }) => {
      throw new BerthError("secret-value-hidden", `'${find(secretId).name}'`);
    },
  };
}

function checkMount({ name, mount, credentialProxy, source }: CreateSecretRequest): void {
  if (credentialProxy !== undefined) refuse("credentialProxy");
  if (source?.value.case === "oidcJfrog") refuse("source.oidcJfrog");
  switch (mount.case) {
    case "environmentVariable":
      if (mount.value && !variableNamePattern.test(name))
        throw new BerthError("request-invalid", `name: '${name}' cannot be the name of an environment variable`);
      if (mount.value) return;
      break;
    case "filePath":
      if (!filePathPattern.test(mount.value))
        throw new BerthError("request-invalid", `filePath: '${mount.value}' is no absolute path of a file without commas and '..'`);
      return;
    case "containerRegistryBasicAuthHost":
      if (mount.value !== "") return;
      break;
    case "apiOnly":
      if (mount.value) return;
      break;
    case undefined:
      break;
  }
  throw new BerthError(
    "request-invalid",
    "one of environmentVariable, filePath, containerRegistryBasicAuthHost and apiOnly has to be given",
  );
}

function checkValue(mount: Secret["mount"]["case"], value: string): void {
  if (mount === "containerRegistryBasicAuthHost" && !Buffer.from(value, "base64").toString().includes(":"))
    throw new BerthError("request-invalid", "value: a registry's credential is base64 of user:password");
  if (value.includes("\u0000")) throw new BerthError("request-invalid", "value: a secret is text without zero bytes");
}

/** Without a scope a secret is the person's own. */
function scopeOf({ scope, projectId }: CreateSecretRequest, identity: LocalIdentity): SecretScope {
  const wanted = scope?.scope ?? { case: undefined };
  const project = wanted.case === "projectId" ? wanted.value : projectId;
  if (project !== "") throw new BerthError("resource-not-found", `there is no project ${project}`);
  if (wanted.case === "serviceAccountId") throw new BerthError("resource-not-found", `there is no service account ${wanted.value}`);
  if (wanted.case === "userId" && wanted.value !== identity.userId)
    throw new BerthError("resource-not-found", `there is no user ${wanted.value}`);
  if (wanted.case === "organizationId" && wanted.value !== identity.organizationId)
    throw new BerthError("resource-not-found", `there is no organization ${wanted.value}`);
  return create(SecretScopeSchema, { scope: wanted.case === undefined ? { case: "userId", value: identity.userId } : wanted });
}

function isSameScope(a: SecretScope | undefined, b: SecretScope | undefined): boolean {
  return a?.scope.case === b?.scope.case && a?.scope.value === b?.scope.value;
}
