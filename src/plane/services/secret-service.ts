import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { Principal } from "../../contract/gen/gitpod/v1/identity_pb.js";
import {
  type CreateSecretRequest,
  type ListSecretsRequest_Filter,
  type Secret,
  SecretSchema,
  type SecretScope,
  SecretScopeSchema,
  type SecretService,
} from "../../contract/gen/gitpod/v1/secret_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import { subjectOf } from "../caller.ts";
import type { RequestScope, ScopeOf } from "../request-scope.ts";
import type { Sealer } from "../seal.ts";
import { secretOwner } from "../secrets.ts";
import { serviceAccountKind } from "../store/identity-kinds.ts";
import { secretKind } from "../store/kinds.ts";
import { projectKind } from "../store/project-kinds.ts";
import type { Where } from "../store/store.ts";
import { visibleProjects } from "../access/visibility.ts";
import { found } from "./found.ts";
import { refuse } from "./supported-spec.ts";

/** A comma would end the path where docker is told of it; `..` and control characters have no place in one. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const filePathPattern = /^(?:\/(?!\.\.?(?:\/|$))[^/,\u0000-\u001f\u007f]+)+$/;
const maxFilePathLength = 1024;
const variableNamePattern = /^[A-Za-z_]/;

/** gitpod.v1.SecretService. Values go in and, to people, never out again. */
export function secretService({
  scopeOf,
  sealer,
  now,
}: {
  readonly scopeOf: ScopeOf;
  readonly sealer: Sealer;
  readonly now: () => number;
}): Partial<ServiceImpl<typeof SecretService>> {
  return {
    createSecret: async (request, context) => {
      const requestScope = scopeOf(context);
      const { caller, store } = requestScope;
      checkMount(request);
      checkValue(request.mount.case, request.value);
      const id = uuidV7(now());
      const at = timestampFromMs(now());
      const secret = create(SecretSchema, {
        id,
        name: request.name,
        createdAt: at,
        updatedAt: at,
        creator: subjectOf(caller),
        mount: request.mount,
        scope: await secretScopeOf(request, requestScope),
      });
      const sealed = sealer.seal(request.value, secretOwner(id));
      try {
        await store.transaction(async (tx) => tx.insert(secretKind, id, secret, { sealed }));
      } catch (error) {
        if (!(error instanceof BerthError) || error.code !== "resource-exists") throw error;
        throw new BerthError("resource-exists", `a secret '${request.name}' of this kind`, { cause: error });
      }
      return { secret };
    },
    updateSecretValue: async ({ secretId, value }, context) => {
      const scope = scopeOf(context);
      await scope.store.transaction(async (tx) => {
        const stored = await found(tx, secretKind, secretId, "secret");
        checkValue(stored.message.mount.case, value);
        const secret = { ...stored.message, updatedAt: timestampFromMs(now()) };
        tx.update(secretKind, stored, secret, { sealed: sealer.seal(value, secretOwner(secret.id)) });
      });
      return {};
    },
    listSecrets: async ({ filter, pagination }, context) => {
      const scope = scopeOf(context);
      const asked = [filter ?? null, scope.caller.id];
      const { items, nextToken } = await scope.store.list(secretKind, pagination, { where: await secretsWanted(scope, filter), asked });
      return { secrets: items.map(({ message }) => message), pagination: { nextToken } };
    },
    deleteSecret: async ({ secretId }, context) => {
      const scope = scopeOf(context);
      await scope.store.transaction(async (tx) => {
        const stored = await found(tx, secretKind, secretId, "secret");
        tx.delete(secretKind, stored);
      });
      return {};
    },
    getSecretValue: async ({ secretId }, context) => {
      throw new BerthError(
        "secret-value-hidden",
        `'${(await found(scopeOf(context).store, secretKind, secretId, "secret")).message.name}'`,
      );
    },
  };
}

async function secretsWanted(scope: RequestScope, filter: ListSecretsRequest_Filter | undefined): Promise<Where> {
  const { caller, store } = scope;
  const ofScope = filter?.scope?.scope;
  const ofProjects = filter === undefined || filter.projectIds.length === 0 ? {} : { projectIds: filter.projectIds };
  if (ofScope?.case !== undefined) return { parentIds: [ofScope.value], ...ofProjects };
  if (filter !== undefined && filter.projectIds.length > 0) return ofProjects;
  const projects = await store.all(projectKind, { where: await visibleProjects(scope) });
  return { parentIds: [caller.id, store.organizationId, ...projects.map(({ id }) => id)] };
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
      if (mount.value.length > maxFilePathLength)
        throw new BerthError("request-invalid", `filePath: it is longer than ${maxFilePathLength} characters`);
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

/** Without a scope a secret is the caller's own. Fails with `resource-not-found` for a scope that is not there. */
async function secretScopeOf({ scope, projectId }: CreateSecretRequest, { caller, store }: RequestScope): Promise<SecretScope> {
  const wanted = scope?.scope ?? { case: undefined };
  const chosen = projectId === "" || wanted.case !== undefined ? wanted : { case: "projectId" as const, value: projectId };
  switch (chosen.case) {
    case undefined:
      return create(SecretScopeSchema, {
        scope: { case: caller.principal === Principal.SERVICE_ACCOUNT ? "serviceAccountId" : "userId", value: caller.id },
      });
    case "userId":
      if (chosen.value !== caller.id) throw new BerthError("resource-not-found", `there is no user ${chosen.value}`);
      break;
    case "organizationId":
      if (chosen.value !== caller.organizationId) throw new BerthError("resource-not-found", `there is no organization ${chosen.value}`);
      break;
    case "projectId":
      await found(store, projectKind, chosen.value, "project");
      break;
    case "serviceAccountId":
      await found(store, serviceAccountKind, chosen.value, "service account");
      break;
  }
  return create(SecretScopeSchema, { scope: chosen });
}
