import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EnvironmentSchema } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { RunnerInteractionService } from "../../../src/contract/gen/gitpod/v1/runner_interaction_pb.js";
import { RunnerSchema } from "../../../src/contract/gen/gitpod/v1/runner_pb.js";
import type { RunnerPrincipal } from "../../../src/contract/principal.ts";
import { uuidV7 } from "../../../src/lib/uuid.ts";
import { storeLookUp } from "../../../src/plane/access/look-up.ts";
import { Authorizer } from "../../../src/plane/authorization/authorizer.ts";
import { runnerKind } from "../../../src/plane/store/fleet-kinds.ts";
import { environmentKind } from "../../../src/plane/store/kinds.ts";
import type { Store } from "../../../src/plane/store/store.ts";
import { postgresDatabases, sqliteDatabases } from "./databases.ts";

const method = RunnerInteractionService.method.updateRunnerEnvironmentStatus;
const [ours, theirs] = [uuidV7(1), uuidV7(2)];

describe.each([sqliteDatabases(), postgresDatabases()])("what a runner may report of on $name", (databases) => {
  let store: Store;

  beforeAll(async () => {
    await databases.start();
    store = await databases.open(await databases.make());
  });
  afterAll(async () => {
    await store.close();
    await databases.stop();
  });

  async function addRunner(organizationId: string): Promise<string> {
    const runnerId = uuidV7(Date.now());
    const record = create(RunnerSchema, { runnerId, name: runnerId });
    await store.inOrganization(organizationId).transaction(async (tx) => tx.insert(runnerKind, runnerId, record));
    return runnerId;
  }

  async function addEnvironment(organizationId: string, runnerId: string): Promise<string> {
    const id = uuidV7(Date.now());
    const record = create(EnvironmentSchema, { id, metadata: { organizationId, runnerId, name: id } });
    await store.inOrganization(organizationId).transaction(async (tx) => tx.insert(environmentKind, id, record));
    return id;
  }

  /** Undefined where it may; else the code of the refusal. */
  async function refusal(runner: RunnerPrincipal, request: MessageInitShape<typeof method.input>): Promise<unknown> {
    const authorizer = new Authorizer({ authenticate: async () => runner, lookUp: storeLookUp(store) });
    const call = { method, message: create(method.input, request), url: "http://plane.example/", headers: new Headers() };
    return authorizer.authorize(runner, call).then(
      () => undefined,
      (error: unknown) => (error instanceof Error && "code" in error ? error.code : error),
    );
  }

  test("it is its own environments, and neither another runner's, nor another organization's, nor for another runner", async () => {
    const [runnerId, otherId, strangerId] = [await addRunner(ours), await addRunner(ours), await addRunner(theirs)];
    const runner = { kind: "runner", id: runnerId, organizationId: ours } as const;
    const environmentId = await addEnvironment(ours, runnerId);
    expect(await refusal(runner, { runnerId, environmentId })).toBeUndefined();
    expect(await refusal(runner, { runnerId, environmentId: await addEnvironment(ours, otherId) })).toBe("not-allowed");
    expect(await refusal(runner, { runnerId, environmentId: await addEnvironment(theirs, strangerId) })).toBe("environment-not-found");
    expect(await refusal(runner, { runnerId, environmentId: uuidV7(3) })).toBe("environment-not-found");
    expect(await refusal(runner, { runnerId: otherId, environmentId })).toBe("not-allowed");
    expect(await refusal(runner, { runnerId: strangerId, environmentId })).toBe("resource-not-found");
  });
});
