import { clone, create, type DescMessage } from "@bufbuild/protobuf";
import { BerthError } from "../../contract/berth-error.ts";
import { ResourceType } from "../../contract/gen/gitpod/v1/event_pb.js";
import { RunnerPhase, RunnerSchema, RunnerSpecSchema, RunnerStatusSchema } from "../../contract/gen/gitpod/v1/runner_pb.js";
import { forgetEnvironment } from "../forget-environment.ts";
import type { RunnerPlane } from "../runners/create-runner-plane.ts";
import { runnerStateKind, scmIntegrationKind, sealedHostTokenKind } from "../runner-store/kinds.ts";
import { environmentClassKind, runnerKind } from "../store/fleet-kinds.ts";
import { roleAssignmentKind } from "../store/identity-kinds.ts";
import type { Kind } from "../store/kind.ts";
import { environmentKind, hostTokenKind } from "../store/kinds.ts";
import type { OrganizationStore, Store, Where } from "../store/store.ts";
import { found } from "./found.ts";

/** Records that are removed in one transaction. */
const batchSize = 100;

/**
 * Deletes a runner and all that is only there because of it. From the first step on nobody is this runner any more, and
 * doing it again goes on where it was left. Fails with `runner-in-use` while environments are on it, but for `force`.
 */
export async function removeRunner(options: {
  readonly organization: OrganizationStore;
  readonly installation: Store;
  readonly runners: RunnerPlane;
  readonly runnerId: string;
  readonly force: boolean;
  readonly now: () => number;
}): Promise<void> {
  const { organization, installation, runners, runnerId, force, now } = options;
  // One entry in the audit log is enough: that of the runner itself, which goes last.
  const unlogged = installation.inOrganization(organization.organizationId);
  const where = { runnerIds: [runnerId] };
  await found(organization, runnerKind, runnerId, "runner");
  if (!force && (await organization.count(environmentKind, where)) > 0) throw new BerthError("runner-in-use", "DeleteRunner without force");
  await markDeleting(unlogged, runnerId);
  await runners.enrolment.revoke(runnerId);
  await runners.hub.disconnect(runnerId, { exceptSession: undefined });
  await forgetAll(unlogged, where, now);
  await removeAll(unlogged, environmentClassKind, where);
  await removeAll(unlogged, scmIntegrationKind, where);
  await removeAll(unlogged, sealedHostTokenKind, where);
  await removeAll(unlogged, hostTokenKind, where);
  await removeAll(unlogged, roleAssignmentKind, { projectIds: [runnerId], phases: [ResourceType.RUNNER] });
  await organization.transaction(async (tx) => {
    const state = await tx.get(runnerStateKind, runnerId);
    if (state !== undefined) tx.delete(runnerStateKind, state);
    const runner = await tx.get(runnerKind, runnerId);
    if (runner !== undefined) tx.delete(runnerKind, runner);
  });
}

async function markDeleting(organization: OrganizationStore, runnerId: string): Promise<void> {
  await organization.transaction(async (tx) => {
    const stored = await found(tx, runnerKind, runnerId, "runner");
    const draft = clone(RunnerSchema, stored.message);
    draft.spec = { ...(draft.spec ?? create(RunnerSpecSchema)), desiredPhase: RunnerPhase.DELETED };
    draft.status = { ...(draft.status ?? create(RunnerStatusSchema)), phase: RunnerPhase.DELETING };
    tx.update(runnerKind, stored, draft);
  });
}

/** One at a time: each takes what belongs to it along. */
async function forgetAll(organization: OrganizationStore, where: Where, now: () => number): Promise<void> {
  for (;;) {
    const { items } = await organization.list(environmentKind, { pageSize: batchSize, token: "" }, { where });
    if (items.length === 0) return;
    for (const { id } of items)
      await organization.transaction(async (tx) => {
        const stored = await tx.get(environmentKind, id);
        if (stored !== undefined) await forgetEnvironment(tx, stored, now());
      });
  }
}

async function removeAll<Desc extends DescMessage>(organization: OrganizationStore, kind: Kind<Desc>, where: Where): Promise<void> {
  for (;;) {
    const { items } = await organization.list(kind, { pageSize: batchSize, token: "" }, { where });
    if (items.length === 0) return;
    await organization.transaction(async (tx) => {
      for (const { id } of items) {
        const stored = await tx.get(kind, id);
        if (stored !== undefined) tx.delete(kind, stored);
      }
    });
  }
}
