import { create } from "@bufbuild/protobuf";
import { durationMs, type Duration, timestampMs } from "@bufbuild/protobuf/wkt";
import { type Environment, EnvironmentPhase, EnvironmentStatus_ContentPhase } from "../contract/gen/gitpod/v1/environment_pb.js";
import { SubjectSchema } from "../contract/gen/gitpod/v1/identity_pb.js";
import type { OrganizationPolicies } from "../contract/gen/gitpod/v1/organization_pb.js";
import { auditedStore } from "./audit/audited-store.ts";
import { EnvironmentRecords } from "./environment-records.ts";
import { organizationPoliciesKind } from "./store/identity-kinds.ts";
import { environmentKind } from "./store/kinds.ts";
import type { OrganizationStore, Store } from "./store/store.ts";

/**
 * Archives environments that nobody has used for as long as their organization says, and deletes those that have been
 * archived for as long and have no work that is nowhere else; to be called every few minutes by any of the server's processes. The audit log has it without an
 * actor: nobody did it.
 */
export async function followArchivePolicies(store: Store, now: () => number, signal: AbortSignal): Promise<void> {
  for (const { organizationId, message } of await store.system("housekeeping").all(organizationPoliciesKind)) {
    if (signal.aborted) return;
    await deleteArchived(store.inOrganization(organizationId), message, now);
    await archiveUnused(store.inOrganization(organizationId), message, now);
  }
}

async function deleteArchived(
  store: OrganizationStore,
  { deleteArchivedEnvironmentsAfter }: OrganizationPolicies,
  now: () => number,
): Promise<void> {
  const afterMs = msOf(deleteArchivedEnvironmentsAfter);
  if (afterMs === 0) return;
  const isDue = (environment: Environment): boolean =>
    environment.metadata?.archivedAt !== undefined &&
    environment.spec?.desiredPhase !== EnvironmentPhase.DELETED &&
    timestampMs(environment.metadata.archivedAt) <= now() - afterMs &&
    !mayHoldWork(environment);
  const records = recordsFor(store, "DeleteEnvironment", now);
  for (const { id, message } of await store.all(environmentKind, { where: { isArchived: true } })) {
    if (!isDue(message)) continue;
    await records.update(id, (draft) => {
      // Somebody may have taken it out of the archive since.
      if (draft.spec !== undefined && isDue(draft)) draft.spec.desiredPhase = EnvironmentPhase.DELETED;
    });
  }
}

async function archiveUnused(
  store: OrganizationStore,
  { archiveEnvironmentsAfter }: OrganizationPolicies,
  now: () => number,
): Promise<void> {
  const afterMs = msOf(archiveEnvironmentsAfter);
  if (afterMs === 0) return;
  const isDue = (environment: Environment): boolean =>
    environment.metadata?.archivedAt === undefined &&
    environment.spec?.desiredPhase === EnvironmentPhase.STOPPED &&
    lastUsedMs(environment) <= now() - afterMs;
  const records = recordsFor(store, "ArchiveEnvironment", now);
  for (const { id, message } of await store.all(environmentKind, { where: { isArchived: false } })) {
    if (!isDue(message)) continue;
    await records.update(id, (draft) => {
      if (draft.metadata !== undefined && isDue(draft)) draft.metadata.archivedAt = records.timestamp();
    });
  }
}

/** Work that is nowhere else, or a working copy of which nobody can say: nobody was asked whether it may go. */
function mayHoldWork({ status }: Environment): boolean {
  const { git, phase } = status?.content ?? {};
  if (git === undefined) return phase === EnvironmentStatus_ContentPhase.READY;
  return git.totalChangedFiles > 0 || git.totalUnpushedCommits > 0;
}

function recordsFor(store: OrganizationStore, method: string, now: () => number): EnvironmentRecords {
  const origin = { actor: create(SubjectSchema), method: `gitpod.v1.EnvironmentService/${method}`, address: "", now };
  return new EnvironmentRecords(auditedStore(store, origin), now);
}

function lastUsedMs({ metadata, status }: Environment): number {
  const times = [metadata?.createdAt, metadata?.lastStartedAt, status?.activitySignal?.timestamp];
  return Math.max(...times.map((time) => (time === undefined ? 0 : timestampMs(time))));
}

function msOf(duration: Duration | undefined): number {
  return duration === undefined ? 0 : durationMs(duration);
}
