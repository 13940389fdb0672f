import type { OpenSecret } from "../contract/engine-port.ts";
import type { Environment } from "../contract/gen/gitpod/v1/environment_pb.js";
import type { Secret } from "../contract/gen/gitpod/v1/secret_pb.js";
import { mountKey, secretKind } from "./store/kinds.ts";
import { sealedOwner } from "./store/renew-sealed.ts";

/** Of secrets with the same mount the one with the nearest scope counts. */
const scopeRanks = { organizationId: 1, projectId: 2, userId: 3, serviceAccountId: 3 } as const;

/** What a secret's sealed value is bound to. */
export function secretOwner(id: string): string {
  return sealedOwner(secretKind.name, id);
}

/** Whose secrets can reach an environment. */
export function secretScopeIds({ metadata }: Environment): string[] {
  return [metadata?.organizationId, metadata?.projectId, metadata?.creator?.id].flatMap((id) =>
    id === undefined || id === "" ? [] : [id],
  );
}

/** The secrets an environment gets: those of its organization, its project and its creator. */
export function secretsOf({ metadata }: Environment, secrets: readonly Secret[]): Secret[] {
  const reaches = ({ scope }: Secret): boolean => {
    switch (scope?.scope.case) {
      case "organizationId":
        return scope.scope.value === metadata?.organizationId;
      case "projectId":
        return scope.scope.value !== "" && scope.scope.value === metadata?.projectId;
      case "userId":
      case "serviceAccountId":
        return scope.scope.value === metadata?.creator?.id;
      case undefined:
        return false;
    }
  };
  const reaching = secrets.filter(reaches);
  return reaching.filter((secret) => !reaching.some((other) => mountKey(secret) === mountKey(other) && rankOf(other) > rankOf(secret)));
}

/** A secret as the engine uses it. */
export function toOpenSecret({ name, mount }: Secret, value: string): OpenSecret {
  switch (mount.case) {
    case "environmentVariable":
      return { name, value, mount: { kind: "environmentVariable", name } };
    case "filePath":
      return { name, value, mount: { kind: "file", path: mount.value } };
    case "containerRegistryBasicAuthHost":
      return { name, value, mount: { kind: "registryCredential", host: mount.value } };
    case "apiOnly":
    case undefined:
      return { name, value, mount: { kind: "apiOnly" } };
  }
}

function rankOf({ scope }: Secret): number {
  return scope?.scope.case === undefined ? 0 : scopeRanks[scope.scope.case];
}
