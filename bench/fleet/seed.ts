import { create } from "@bufbuild/protobuf";
import { createHash, randomBytes } from "node:crypto";
import { EnvironmentPhase, EnvironmentSchema } from "../../src/contract/gen/gitpod/v1/environment_pb.js";
import { EnvironmentClassSchema, RunnerKind, RunnerProvider } from "../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerPhase, RunnerSchema } from "../../src/contract/gen/gitpod/v1/runner_pb.js";
import { uuidV7 } from "../../src/lib/uuid.ts";
import { StoredRunnerCredentials } from "../../src/plane/runner-store/stored-runner-credentials.ts";
import { environmentClassKind, runnerKind } from "../../src/plane/store/fleet-kinds.ts";
import { environmentKind } from "../../src/plane/store/kinds.ts";
import type { OrganizationStore, Store, Transaction } from "../../src/plane/store/store.ts";

const runnersAtOnce = 20;

export interface SeededRunner {
  readonly runnerId: string;
  readonly classId: string;
  readonly accessToken: string;
  readonly environmentIds: readonly string[];
}

/** Runners as they are once their tokens have been exchanged, each with its environments. */
export async function seedFleet(
  store: Store,
  options: { readonly organizationId: string; readonly creatorId: string; readonly runners: number; readonly environments: number },
): Promise<SeededRunner[]> {
  const organization = store.inOrganization(options.organizationId);
  const credentials = new StoredRunnerCredentials(store);
  const seeded: SeededRunner[] = [];
  while (seeded.length < options.runners) {
    const count = Math.min(runnersAtOnce, options.runners - seeded.length);
    const made = await seedSome(organization, { ...options, count });
    for (const { runnerId, accessToken } of made) {
      const hash = createHash("sha256").update(accessToken).digest("hex");
      const { organizationId } = options;
      await credentials.insert({ hash, kind: "access", runnerId, organizationId, issuedAtMs: Date.now(), expiresAtMs: undefined });
    }
    seeded.push(...made);
  }
  return seeded;
}

async function seedSome(
  organization: OrganizationStore,
  options: { readonly creatorId: string; readonly environments: number; readonly count: number },
): Promise<SeededRunner[]> {
  return organization.transaction(async (tx) =>
    Array.from({ length: options.count }, () => seedRunner(tx, organization.organizationId, options)),
  );
}

function seedRunner(
  tx: Transaction,
  organizationId: string,
  { creatorId, environments }: { readonly creatorId: string; readonly environments: number },
): SeededRunner {
  const [runnerId, classId] = [uuidV7(Date.now()), uuidV7(Date.now())];
  const about = { kind: RunnerKind.REMOTE, provider: RunnerProvider.LINUX_HOST, status: { phase: RunnerPhase.CREATED } };
  tx.insert(runnerKind, runnerId, create(RunnerSchema, { runnerId, name: `runner ${runnerId}`, ...about }));
  const displayName = `class of ${runnerId}`;
  const offered = { id: classId, runnerId, displayName, description: "of the fleet", enabled: true };
  tx.insert(environmentClassKind, classId, create(EnvironmentClassSchema, offered));
  const environmentIds = Array.from({ length: environments }, () => uuidV7(Date.now()));
  for (const id of environmentIds) {
    const metadata = { organizationId, runnerId, name: `environment ${id}`, creator: { id: creatorId } };
    const spec = { specVersion: 1n, desiredPhase: EnvironmentPhase.RUNNING, machine: { class: classId, session: uuidV7(Date.now()) } };
    const status = { statusVersion: 1n, phase: EnvironmentPhase.RUNNING };
    tx.insert(environmentKind, id, create(EnvironmentSchema, { id, metadata, spec, status }));
  }
  return { runnerId, classId, accessToken: `berth_ra_${randomBytes(32).toString("base64url")}`, environmentIds };
}
