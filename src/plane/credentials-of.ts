import type { HostAuthenticationToken } from "../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { sealedHostTokenKind } from "./runner-store/kinds.ts";
import type { RunnerHub } from "./runners/runner-hub.ts";
import { accessTokenKind, groupMembershipKind } from "./store/identity-kinds.ts";
import { hostTokenKind, secretKind } from "./store/kinds.ts";
import type { Transaction } from "./store/store.ts";

/** Tells runners, once it is committed, that tokens for hosts are not to be used any more. */
export type TellTokensGone = (tokens: readonly HostAuthenticationToken[]) => Promise<void>;

export function tellTokensGone(hub: Pick<RunnerHub, "hint">): TellTokensGone {
  return async (tokens) => {
    for (const { runnerId, host, subject } of tokens)
      await hub.hint(runnerId, { case: "eventHostAuthenticationTokenDeleted", value: { host, principalId: subject?.id ?? "" } });
  };
}

/** Takes away what lets a person or service account in: tokens, and places in groups. */
export async function deleteAccess(tx: Transaction, principalId: string): Promise<void> {
  for (const token of await tx.all(accessTokenKind, { where: { parentIds: [principalId] } })) tx.delete(accessTokenKind, token);
  for (const place of await tx.all(groupMembershipKind, { where: { creatorIds: [principalId] } })) tx.delete(groupMembershipKind, place);
}

/** Takes away what would be used in the name of a person or service account. Gives the tokens for hosts, for the runners to hear of. */
export async function deleteCredentials(tx: Transaction, principalId: string): Promise<readonly HostAuthenticationToken[]> {
  for (const secret of await tx.all(secretKind, { where: { parentIds: [principalId] } })) tx.delete(secretKind, secret);
  const where = { creatorIds: [principalId] };
  for (const sealed of await tx.all(sealedHostTokenKind, { where })) tx.delete(sealedHostTokenKind, sealed);
  const tokens = await tx.all(hostTokenKind, { where });
  for (const token of tokens) tx.delete(hostTokenKind, token);
  return tokens.map(({ message }) => message);
}
