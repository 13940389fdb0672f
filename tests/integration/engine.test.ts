import { afterEach, beforeEach, expect, test } from "vitest";
import { create } from "@bufbuild/protobuf";
import {
  type Environment,
  EnvironmentPhase,
  EnvironmentSpec_SSHPublicKeySchema,
  EnvironmentStatus_ContentPhase,
  EnvironmentStatus_DevContainer_Phase,
} from "../../src/contract/gen/gitpod/v1/environment_pb.js";
import { authorizedKeysHash } from "../../src/lib/authorized-keys.ts";
import { failBootImage } from "../../src/vm/simulated/sentinels.ts";
import { waitUntil } from "../../src/lib/wait-until.ts";
import { SimulatedProduct } from "./simulated-product.ts";

const { RUNNING, STOPPED, STARTING, DELETING, DELETED } = EnvironmentPhase;
let product: SimulatedProduct;

beforeEach(async () => {
  product = new SimulatedProduct();
  await product.startHost();
});

afterEach(() => product.end());

test("an environment comes up, stops, and starts again in the same container", async () => {
  const id = await product.create("web");
  const first = await product.whenPhase(id, RUNNING);
  expect(first.status?.content?.phase).toBe(EnvironmentStatus_ContentPhase.READY);
  expect(first.status?.devcontainer).toMatchObject({ phase: EnvironmentStatus_DevContainer_Phase.RUNNING, remoteUser: "vscode" });
  await product.wish(id, STOPPED);
  await product.whenPhase(id, STOPPED);
  await product.wish(id, RUNNING);
  const again = await product.whenPhase(id, RUNNING);
  expect(again.status?.devcontainer?.containerId).toBe(first.status?.devcontainer?.containerId);
});

test("a key that is put into the spec of what runs may log in without a restart, and the status says when", async () => {
  const id = await product.create("web");
  const before = await product.whenPhase(id, RUNNING);
  const key = { id: "laptop", value: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFNpbXVsYXRlZA" };
  await product.plane.updateEnvironment(
    id,
    (draft) => void draft.spec?.sshPublicKeys.push(create(EnvironmentSpec_SSHPublicKeySchema, key)),
  );
  const isIn = ({ status }: Environment): boolean => status?.sshPublicKeys[0]?.phase === EnvironmentStatus_ContentPhase.READY;
  const after = await product.when(id, isIn);
  expect(after.status).toMatchObject({ phase: RUNNING, sshPublicKeys: [{ id: "laptop" }] });
  expect(after.status?.devcontainer?.containerId).toBe(before.status?.devcontainer?.containerId);
  expect(product.machine.environment(id)?.authorizedKeysSha256).toBe(authorizedKeysHash(`${key.value}\n`));
});

test("a clone that fails leaves a stopped environment with the reason, and a new start tries again", async () => {
  const id = await product.create("fail-clone");
  const failed = await product.when(id, (e) => e.status?.phase === STOPPED && e.status.failureMessage.length > 0);
  expect(failed.status?.failureMessage[0]).toMatch(/^repository-not-found: /);
  expect(failed.status?.content?.phase).toBe(EnvironmentStatus_ContentPhase.FAILED);
  await product.plane.updateEnvironment(id, (draft) => {
    if (draft.spec?.content !== undefined) draft.spec.content.session = "01900000-0000-7000-8000-000000000001";
  });
  await product.whenStep(id, "Cloning the repository");
});

test("a build that fails leaves a running recovery container and the reason", async () => {
  const id = await product.create("fail-build");
  const environment = await product.whenPhase(id, RUNNING);
  expect(environment.status?.devcontainer?.phase).toBe(EnvironmentStatus_DevContainer_Phase.FAILED);
  expect(environment.status?.failureMessage[0]).toMatch(/^devcontainer-failed: /);
  expect(product.machine.environment(id)?.devcontainer?.recovery).toBe(true);
});

test.each([
  ["slow-clone", "Cloning the repository"],
  ["slow-build", "Building the image"],
])("stopping during %s cancels at once, and nothing is lost", async (sentinel, step) => {
  const id = await product.create(sentinel);
  await product.whenStep(id, step);
  await product.wish(id, STOPPED);
  const stopped = await product.whenPhase(id, STOPPED);
  expect(stopped.status?.content?.phase === EnvironmentStatus_ContentPhase.READY).toBe(sentinel === "slow-build");
});

test.each([
  ["slow-clone", "Cloning the repository"],
  ["slow-build", "Building the image"],
  ["web", undefined],
])("deleting during %s leaves nothing", async (sentinel, step) => {
  const id = await product.create(sentinel);
  if (step === undefined) await product.whenPhase(id, RUNNING);
  else await product.whenStep(id, step);
  await product.wish(id, DELETED);
  expect(await product.whenGone(id)).toBe(true);
  expect(await waitUntil(() => product.machine.environment(id) === undefined, { intervalMs: 5, signal: AbortSignal.timeout(20_000) })).toBe(
    true,
  );
});

test("a step that cannot be begun is told, and a new start tries again", async () => {
  const id = await product.create("full-disk");
  const failed = await product.when(id, (e) => e.status?.phase === STOPPED && e.status.failureMessage.length > 0);
  expect(failed.status?.failureMessage[0]).toMatch(/^data-disk-full: ENOSPC/);
  const before = failed.status?.runnerAck?.specVersion ?? 0n;
  await product.wish(id, RUNNING);
  await product.when(id, (e) => (e.status?.runnerAck?.specVersion ?? 0n) > before && e.status?.phase === STOPPED);
});

test("a delete that fails says why, and another one tries again", async () => {
  const id = await product.create("fail-delete");
  await product.whenPhase(id, RUNNING);
  await product.wish(id, DELETED);
  const failed = await product.when(id, (e) => (e.status?.failureMessage.length ?? 0) > 0);
  expect(failed.status).toMatchObject({
    phase: DELETING,
    failureMessage: ["internal: the working copy was not removed: its disk has errors"],
  });
  await product.wish(id, DELETED);
  expect(await product.whenGone(id)).toBe(true);
});

test("deleting while the machine is off starts it to remove what is on its disk", async () => {
  const id = await product.create("web");
  await product.whenPhase(id, RUNNING);
  await product.wish(id, STOPPED);
  await product.whenPhase(id, STOPPED);
  await product.machine.powerOff(AbortSignal.timeout(20_000));
  await product.wish(id, DELETED);
  expect(await product.whenGone(id)).toBe(true);
});

test("a machine that crashes is started again and its environments with it", async () => {
  const id = await product.create("web");
  const before = await product.whenPhase(id, RUNNING);
  product.crashMachine();
  await product.whenPhase(id, STARTING);
  const after = await product.whenPhase(id, RUNNING);
  expect(after.status?.devcontainer?.containerId).toBe(before.status?.devcontainer?.containerId);
});

test("a crash during the build is got over", async () => {
  await product.whenPhase(await product.create("crash-in-build"), RUNNING);
});

test("a machine that crashes again and again is left off, with the reason, until a person acts", async () => {
  const id = await product.create("crash-always");
  const given = await product.when(id, (e) => e.status?.phase === STOPPED && e.status.failureMessage.length > 0);
  expect(given.status?.failureMessage[0]).toMatch(/^machine-crashed: /);
});

async function crashWhenUp(): Promise<void> {
  expect(await waitUntil(() => product.computer.machines.size > 0, { intervalMs: 5, signal: AbortSignal.timeout(20_000) })).toBe(true);
  product.crashMachine();
}

test("a machine that ends while it boots is started again", async () => {
  product.imageSha256 = failBootImage;
  const id = await product.create("web");
  await crashWhenUp();
  product.imageSha256 = "simulated";
  await product.whenPhase(id, RUNNING);
});

test("a machine that never boots is told as such", async () => {
  product.imageSha256 = failBootImage;
  const id = await product.create("web");
  for (let crash = 0; crash < 3; crash++) await crashWhenUp();
  const failed = await product.when(id, (e) => e.status?.phase === STOPPED && e.status.failureMessage.length > 0);
  expect(failed.status?.failureMessage[0]).toMatch(/^machine-crashed: /);
});

test.each([
  ["slow-clone", "Cloning the repository"],
  ["slow-build", "Building the image"],
])("a new host adopts what goes on during %s", async (sentinel, step) => {
  const id = await product.create(sentinel);
  await product.whenStep(id, step);
  product.killHost();
  await product.startHost();
  await product.whenStep(id, step);
  expect(product.machine.environment(id)?.jobs.filter((job) => job.step === step)).toHaveLength(1);
  expect((await product.get(id))?.status?.phase).toBe(STARTING);
});

test("a new host finds a machine that ended while there was none", async () => {
  const id = await product.create("web");
  await product.whenPhase(id, RUNNING);
  product.killHost();
  product.crashMachine();
  await product.startHost();
  await product.whenPhase(id, RUNNING);
});

test("stopping the machine by hand ends in stopped environments", async () => {
  const ids = [await product.create("web"), await product.create("fail-build")];
  for (const id of ids) await product.whenPhase(id, RUNNING);
  for (const id of ids) await product.wish(id, STOPPED);
  await product.machine.powerOff(AbortSignal.timeout(20_000));
  for (const id of ids) await product.whenPhase(id, STOPPED);
});

test("a full disk of this computer pauses the machine; it goes on by itself", async () => {
  const id = await product.create("web");
  await product.whenPhase(id, RUNNING);
  product.computer.pause("default");
  const paused = await product.when(id, (e) => (e.status?.warningMessage.length ?? 0) > 0);
  expect(paused.status?.warningMessage[0]).toMatch(/^host-disk-full: /);
  expect(paused.status?.phase).toBe(RUNNING);
  await product.driver.resume("default");
  await product.when(id, (e) => e.status?.phase === RUNNING && e.status.warningMessage.length === 0);
});

test("two hundred environments come up", async () => {
  const ids = await Promise.all(Array.from({ length: 200 }, async () => product.create("web")));
  for (const id of ids) await product.whenPhase(id, RUNNING);
});
