import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { EnvironmentStore } from "../contract/engine-port.ts";
import { ResourceOperation } from "../contract/gen/gitpod/v1/event_pb.js";
import type { EnvironmentRecords } from "./environment-records.ts";
import type { KnownEnvironments } from "./known-environments.ts";
import type { Sealer } from "./seal.ts";
import { secretOwner, secretScopeIds, secretsOf, toOpenSecret } from "./secrets.ts";
import { tokenOwner } from "./services/runner-configuration-service.ts";
import { environmentKind, hostTokenKind, secretKind } from "./store/kinds.ts";
import type { OrganizationStore, Store } from "./store/store.ts";

/** git hosts take a token as the password of this name. */
const tokenUsername = "oauth2";

/** The embedded plane as the engine sees it. */
export function environmentStore({
  store,
  organization,
  known,
  records,
  sealer,
  now,
}: {
  readonly store: Store;
  readonly organization: OrganizationStore;
  readonly known: KnownEnvironments;
  readonly records: EnvironmentRecords;
  readonly sealer: Sealer;
  readonly now: () => number;
}): EnvironmentStore {
  return {
    list: async () => known.list(),
    get: async (id) => known.find(id),
    writeStatus: async (id, status) => records.changeStatus(id, () => status),
    remove: async (id) => records.remove(id),
    onSpecChange: (listener) =>
      store.events.subscribe(({ kind, id, operation }) => {
        const { CREATE, UPDATE } = ResourceOperation;
        if (kind === environmentKind.name && (operation === CREATE || operation === UPDATE)) listener(id);
      }),
    openSecrets: async (id) => {
      const environment = await records.get(id);
      const reaching = await organization.all(secretKind, { where: { parentIds: secretScopeIds(environment) } });
      const secrets = secretsOf(
        environment,
        reaching.map(({ message }) => message),
      );
      const opened = secrets.map(async (secret) => {
        const sealed = await organization.sealed(secretKind, secret.id);
        return sealed === undefined ? [] : [toOpenSecret(secret, sealer.open(sealed, secretOwner(secret.id)))];
      });
      return (await Promise.all(opened)).flat();
    },
    openHostCredential: async (principalId, host) => {
      const tokens = (await organization.all(hostTokenKind, { where: { creatorIds: [principalId] } })).map(({ message }) => message);
      const token = tokens.findLast(
        ({ expiresAt, host: ofHost }) => ofHost === host.toLowerCase() && (expiresAt === undefined || timestampMs(expiresAt) > now()),
      );
      const sealed = token === undefined ? undefined : await organization.sealed(hostTokenKind, token.id);
      if (token === undefined || sealed === undefined) return undefined;
      return { username: tokenUsername, password: sealer.open(sealed, tokenOwner(token.id)) };
    },
  };
}
