import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "@connectrpc/connect";
import type { AgentService, HelloResponse } from "../../src/contract/gen/berth/v1/agent_pb.js";
import { dialMachine } from "../../src/engine/start-machine.ts";
import { waitUntil } from "../../src/lib/wait-until.ts";
import type { MachineDriver, MachineImage, MachineSpec } from "../../src/vm/driver.ts";

export interface DriverUnderTest {
  /** A driver on these folders; a second one stands for the host that follows a crash. */
  make(folder: string): MachineDriver;
  image(): Promise<MachineImage>;
  /** An image that runs but never answers and ignores the power button. */
  deafImage(folder: string): Promise<MachineImage>;
  /** Ends a machine behind the driver's back, as `kill -9` of its process does. */
  killBehind(folder: string, id: string): Promise<void>;
  /** The data disk's size as the guest sees it. */
  diskBytes(folder: string, id: string): number;
  readonly memoryBytes: number;
}

const gibibyte = 1024 ** 3;
const pollMs = 100;
const bootLimitMs = 120_000;
const noticeLimitMs = 10_000;
/** An agent that does not answer by then is dialed again. */
const dialLimitMs = 15_000;

async function hello(driver: MachineDriver, id: string): Promise<HelloResponse> {
  return ask(driver, id, async (client, signal) => client.hello({ protocol: 1 }, { signal }));
}

/** What a machine's agent answers, as soon as it does. */
async function ask<Answer>(
  driver: MachineDriver,
  id: string,
  question: (client: Client<typeof AgentService>, signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const signal = AbortSignal.timeout(bootLimitMs);
  for (;;) {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(dialLimitMs)]);
    try {
      const { connection, client } = await dialMachine(driver, id, limit);
      const answer = await question(client, limit).finally(() => connection.close());
      return answer;
    } catch (error) {
      if (signal.aborted) throw error;
    }
  }
}

/** What every driver does alike; run unchanged on each (P9). */
export function driverSuite(name: string, tested: DriverUnderTest): void {
  describe(name, () => {
    let folder: string;
    let driver: MachineDriver;
    let image: MachineImage;
    const signal = new AbortController().signal;
    const spec = (id: string, more: Partial<MachineSpec> = {}): MachineSpec => ({
      id,
      image,
      cpus: 2,
      memoryBytes: tested.memoryBytes,
      dataDiskLimitBytes: 4 * gibibyte,
      ...more,
    });
    const state = async (id: string): Promise<string> => (await driver.inspect(id)).state;
    const whenState = async (id: string, wanted: string): Promise<boolean> =>
      waitUntil(async () => (await state(id)) === wanted, { intervalMs: pollMs, signal: AbortSignal.timeout(noticeLimitMs) });

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "berth-driver-"));
      driver = tested.make(folder);
      image = await tested.image();
    });

    afterAll(async () => {
      for (const id of await driver.list()) await driver.kill(id);
      rmSync(folder, { recursive: true, force: true });
    });

    test("a machine that was never made is absent, and its operations change nothing", async () => {
      expect(await driver.inspect("nothing")).toEqual({ state: "absent" });
      await driver.kill("nothing");
      await driver.shutdown("nothing", { graceMs: 0, signal });
      await expect(driver.dialAgent("nothing", signal)).rejects.toMatchObject({ code: "machine-unreachable" });
      expect((await driver.usage("nothing")).dataDiskAllocatedBytes).toBe(0);
      await expect(async () => driver.inspect("../escape")).rejects.toMatchObject({ code: "machine-not-found" });
    });

    test("the disk is sparse, and making it again keeps it", async () => {
      await driver.create(spec("disk"), signal);
      expect((await driver.usage("disk")).dataDiskAllocatedBytes).toBeLessThan(1024 ** 2);
      await driver.create(spec("disk", { dataDiskLimitBytes: 6 * gibibyte }), signal);
      await driver.create(spec("disk", { dataDiskLimitBytes: 2 * gibibyte }), signal);
      expect(await driver.list()).toContain("disk");
      await driver.remove("disk");
      expect(await state("disk")).toBe("absent");
    });

    test("a copy of the disk takes no space that the disk does not, and can be put in its place", async () => {
      await driver.create(spec("copied"), signal);
      const disk = driver.dataDisk("copied");
      await disk.copy("1", signal);
      await driver.create(spec("copied", { dataDiskLimitBytes: 6 * gibibyte }), signal);
      await disk.restore("1");
      await disk.restore("1");
      expect(await state("copied")).toBe("off");
      expect((await driver.usage("copied")).dataDiskAllocatedBytes).toBeLessThan(1024 ** 2);
      await disk.copy("1", signal);
      await disk.dropCopies();
      await disk.restore("1");
      expect(await state("copied")).toBe("off");
      await driver.remove("copied");
    });

    test("an operation whose signal is aborted does not begin", async () => {
      await expect(driver.start(spec("aborted"), AbortSignal.abort())).rejects.toThrow();
      expect(["absent", "off"]).toContain(await state("aborted"));
    });

    test("one life of a machine: start, agent, a new host, the plug pulled, start again, shutdown", async () => {
      const changes: string[] = [];
      const unsubscribe = driver.onChange((id) => changes.push(id));
      const id = "life";
      // Started twice at once, it is one machine.
      await Promise.all([driver.start(spec(id), signal), driver.start(spec(id), signal)]);
      await driver.start(spec(id), signal);
      expect(await state(id)).toBe("running");
      const first = await hello(driver, id);
      expect(first.imageSha256).toBe(image.sha256);
      expect((await driver.usage(id)).residentMemoryBytes).toBeGreaterThan(0);
      expect((await driver.consoleTail(id, 4096)).length).toBeLessThanOrEqual(4096);
      await expect(driver.remove(id)).rejects.toMatchObject({ code: "machine-running" });

      // A second dial ends the first.
      const one = await driver.dialAgent(id, signal);
      const closed = new Promise<void>((resolve) => one.stream.once("close", () => resolve()));
      const two = await driver.dialAgent(id, signal);
      await closed;
      two.stream.destroy();

      // The host dies; the next one finds the machine and talks to the same boot.
      unsubscribe();
      driver = tested.make(folder);
      driver.onChange((changed) => changes.push(changed));
      expect(await state(id)).toBe("running");
      expect((await hello(driver, id)).bootId).toBe(first.bootId);
      await driver.start(spec(id), signal);
      expect((await hello(driver, id)).bootId).toBe(first.bootId);

      // The hypervisor is killed; the driver notices by itself.
      changes.length = 0;
      await tested.killBehind(folder, id);
      expect(await whenState(id, "off")).toBe(true);
      expect(await waitUntil(() => changes.includes(id), { intervalMs: pollMs, signal: AbortSignal.timeout(noticeLimitMs) })).toBe(true);

      await driver.start(spec(id), signal);
      const second = await hello(driver, id);
      expect(second.bootId).not.toBe(first.bootId);
      await driver.shutdown(id, { graceMs: 30_000, signal });
      expect(await driver.inspect(id)).toMatchObject({ state: "off", exit: { reason: "shutdown" } });
      await driver.shutdown(id, { graceMs: 0, signal });
      await driver.remove(id);
      expect(await state(id)).toBe("absent");
    });

    test("a suspended machine goes on where it was, for the host that suspended it and for the next one", async ({ skip }) => {
      if (!driver.features.suspend) skip();
      const id = "rest";
      await driver.start(spec(id), signal);
      const { bootId } = await hello(driver, id);
      for (let round = 0; round < 2; round++) {
        // Whoever asks twice, or for one that is off, changes nothing.
        await Promise.all([driver.suspend(id, { signal }), driver.suspend(id, { signal })]);
        await driver.suspend(id, { signal });
        expect(await driver.inspect(id)).toMatchObject({ state: "off", suspended: { savedAtMs: expect.any(Number) } });
        expect((await driver.usage(id)).residentMemoryBytes).toBe(0);
        driver = tested.make(folder);
        expect(await driver.inspect(id)).toMatchObject({ state: "off", suspended: { savedAtMs: expect.any(Number) } });
        // A higher limit waits for the next boot: the guest knows the disk as it was.
        await driver.create(spec(id, { dataDiskLimitBytes: 8 * gibibyte }), signal);
        await Promise.all([driver.start(spec(id), signal), driver.start(spec(id), signal)]);
        expect((await hello(driver, id)).bootId).toBe(bootId);
        expect(await driver.inspect(id)).not.toHaveProperty("suspended");
      }
      await driver.suspend(id, { signal });
      await driver.remove(id);
      expect(await state(id)).toBe("absent");
    });

    test("copies of a suspended machine are machines of their own, and it stays as it is", async ({ skip }) => {
      if (!driver.features.fork) skip();
      await driver.start(spec("original"), signal);
      const original = await hello(driver, "original");
      await expect(driver.fork(spec("copy-1"), "original", signal)).rejects.toMatchObject({ code: "fork-unavailable" });
      await driver.suspend("original", { signal });
      const other = spec("copy-1", { memoryBytes: tested.memoryBytes / 2 });
      await expect(driver.fork(other, "original", signal)).rejects.toMatchObject({ code: "fork-unavailable" });
      expect(await state("copy-1")).toBe("absent");

      const ids = ["copy-1", "copy-2"];
      await Promise.all(ids.map(async (id) => driver.fork(spec(id), "original", signal)));
      await expect(driver.fork(spec("copy-1"), "original", signal)).rejects.toMatchObject({ code: "fork-unavailable" });
      const keys = [];
      const bootIds = [original.bootId];
      for (const id of ids) {
        const { linkKey: lent, newIdentity, stream } = await driver.dialAgent(id, signal);
        stream.destroy();
        bootIds.push((await hello(driver, id)).bootId);
        const { linkKey, ...after } = await driver.dialAgent(id, signal);
        after.stream.destroy();
        expect(newIdentity?.linkKey).toEqual(linkKey);
        expect(after).not.toHaveProperty("newIdentity");
        keys.push(lent, linkKey);
      }
      // The first key is the original's, and each copy has one of its own afterwards.
      expect(new Set(keys.map((key) => Buffer.from(key).toString("hex"))).size).toBe(3);
      expect(new Set(bootIds).size).toBe(3);

      // A copy is suspended and continued like any other machine, also by the next host.
      await driver.suspend("copy-1", { signal });
      driver = tested.make(folder);
      await driver.start(spec("copy-1"), signal);
      expect((await hello(driver, "copy-1")).bootId).toBe(bootIds[1]);
      await driver.kill("copy-1");
      await driver.start(spec("copy-1"), signal);
      expect(bootIds).not.toContain((await hello(driver, "copy-1")).bootId);
      for (const id of ids) await driver.kill(id);
      for (const id of ids) await driver.remove(id);

      await driver.start(spec("original"), signal);
      expect((await hello(driver, "original")).bootId).toBe(original.bootId);
      await driver.kill("original");
    });

    test("a machine has the folders of this computer that it was started with, and no other", async ({ skip }) => {
      if (driver.features.sharedFolders === "none") skip();
      expect(driver.sharedFoldersRefusal()).toBeUndefined();
      const readOnly = driver.features.sharedFolders === "any";
      const hostPath = join(folder, "shared");
      mkdirSync(hostPath);
      writeFileSync(join(hostPath, "note.txt"), "from here\n");
      const given = { tag: "given", hostPath, readOnly };
      const gone = { tag: "gone", hostPath: join(folder, "nowhere"), readOnly };
      const id = "folders";
      const start = spec(id, { sharedFolders: driver.name === "simulated" ? [given] : [given, gone] });
      await driver.start(start, signal);
      const { bootId } = await hello(driver, id);
      const environmentId = "01900000-0000-7000-8000-000000000001";
      const wanted = ["given", "gone"].map((tag) => ({ tag, environmentId, name: tag, readOnly }));
      const mount = async (): Promise<string[]> => {
        const { failures } = await ask(driver, id, async (client, limit) =>
          client.setSharedFolders({ folders: wanted }, { signal: limit }),
        );
        return Object.keys(failures);
      };
      expect(await mount()).toEqual(["gone"]);
      if (driver.features.suspend) {
        await driver.suspend(id, { signal });
        await driver.start(start, signal);
        expect((await hello(driver, id)).bootId).toBe(bootId);
        expect(await mount()).toEqual(["gone"]);
        // With another right to them it would not be the same machine.
        await driver.suspend(id, { signal });
        await driver.start(spec(id), signal);
        expect((await hello(driver, id)).bootId).not.toBe(bootId);
        expect(await mount()).toEqual(["given", "gone"]);
      }
      await driver.kill(id);
      await driver.remove(id);
    });

    test("the disk of a machine that runs grows where the driver can, and keeps its size else", async () => {
      const deaf = { ...spec("grows"), image: await tested.deafImage(folder) };
      await driver.start(deaf, signal);
      await driver.create({ ...deaf, dataDiskLimitBytes: 6 * gibibyte }, signal);
      expect(tested.diskBytes(folder, "grows")).toBe((driver.features.diskGrowsOnline ? 6 : 4) * gibibyte);
      await driver.create({ ...deaf, dataDiskLimitBytes: 5 * gibibyte }, signal);
      expect(tested.diskBytes(folder, "grows")).toBe((driver.features.diskGrowsOnline ? 6 : 4) * gibibyte);
      await driver.kill("grows");
    });

    test("a suspending that is given up leaves the machine as it was", async ({ skip }) => {
      if (!driver.features.suspend) skip();
      await driver.start({ ...spec("stay"), image: await tested.deafImage(folder) }, signal);
      await expect(driver.suspend("stay", { signal: AbortSignal.abort() })).rejects.toThrow();
      expect(await driver.inspect("stay")).toMatchObject({ state: "running" });
      await driver.kill("stay");
      expect(await driver.inspect("stay")).not.toHaveProperty("suspended");
    });

    test("a guest that ignores the power button is switched off after the grace", async () => {
      const deaf = { ...spec("deaf"), image: await tested.deafImage(folder) };
      await driver.start(deaf, signal);
      await expect(driver.shutdown("deaf", { graceMs: 60_000, signal: AbortSignal.timeout(200) })).rejects.toThrow();
      expect(await state("deaf")).toBe("running");
      await driver.shutdown("deaf", { graceMs: 300, signal });
      expect(await driver.inspect("deaf")).toMatchObject({ state: "off", exit: { reason: "killed" } });
    });

    test("a machine that is started the moment it was killed stays up", async () => {
      const deaf = { ...spec("again"), image: await tested.deafImage(folder) };
      const unsubscribe = driver.onChange(() => undefined);
      for (let round = 0; round < 5; round++) {
        await driver.start(deaf, signal);
        await tested.killBehind(folder, "again");
        await waitUntil(async () => (await state("again")) === "off", { intervalMs: 1, signal: AbortSignal.timeout(noticeLimitMs) });
        await driver.start(deaf, signal);
        expect(await state("again")).toBe("running");
        await driver.kill("again");
      }
      unsubscribe();
    });

    test("two machines side by side do not touch each other", async () => {
      const deaf = await tested.deafImage(folder);
      await Promise.all([driver.start({ ...spec("left"), image: deaf }, signal), driver.start({ ...spec("right"), image: deaf }, signal)]);
      await driver.kill("left");
      expect(await state("left")).toBe("off");
      expect(await state("right")).toBe("running");
      await driver.remove("left");
      expect(await state("right")).toBe("running");
      await driver.kill("right");
    });
  });
}
