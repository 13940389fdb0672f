import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { EnvironmentStore } from "../contract/engine-port.ts";
import type { HostAuthenticationTokenSchema } from "../contract/gen/gitpod/v1/runner_configuration_pb.js";
import type { SecretSchema } from "../contract/gen/gitpod/v1/secret_pb.js";
import type { EnvironmentRecords } from "./environment-records.ts";
import type { ResourceStore } from "./resource-store.ts";
import type { Sealer } from "./seal.ts";
import { secretOwner, secretsOf, toOpenSecret } from "./secrets.ts";
import { tokenOwner } from "./services/runner-configuration-service.ts";

/** git hosts take a token as the password of this name. */
const tokenUsername = "oauth2";

/** The embedded plane as the engine sees it. */
export function environmentStore({
  records,
  secrets,
  tokens,
  sealer,
  now,
}: {
  readonly records: EnvironmentRecords;
  readonly secrets: ResourceStore<typeof SecretSchema>;
  readonly tokens: ResourceStore<typeof HostAuthenticationTokenSchema>;
  readonly sealer: Sealer;
  readonly now: () => number;
}): EnvironmentStore {
  return {
    list: async () => records.list(),
    get: async (id) => records.find(id),
    writeStatus: async (id, status) => records.writeStatus(id, status),
    remove: async (id) => records.remove(id),
    onSpecChange: (listener) => records.onSpecChange(listener),
    openSecrets: async (id) =>
      secretsOf(records.get(id), secrets.list()).flatMap((secret) => {
        const sealed = secrets.sealed(secret.id);
        return sealed === undefined ? [] : [toOpenSecret(secret, sealer.open(sealed, secretOwner(secret.id)))];
      }),
    openHostCredential: async (principalId, host) => {
      const isUsable = ({ subject, expiresAt, host: ofHost }: ReturnType<typeof tokens.list>[number]): boolean =>
        ofHost === host.toLowerCase() && subject?.id === principalId && (expiresAt === undefined || timestampMs(expiresAt) > now());
      const token = tokens.list().findLast(isUsable);
      const sealed = token === undefined ? undefined : tokens.sealed(token.id);
      if (token === undefined || sealed === undefined) return undefined;
      return { username: tokenUsername, password: sealer.open(sealed, tokenOwner(token.id)) };
    },
  };
}
