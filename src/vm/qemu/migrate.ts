import { z } from "zod";
import { waitUntil } from "../../lib/wait-until.ts";
import type { QmpClient } from "./qmp.ts";

/** Reading 8 GiB from a slow disk takes a minute. */
const migrationTimeoutMs = 180_000;
const pollMs = 5;
/** Pages lie at fixed places in the file, so that several threads write and read it (docs/adr/0005). */
const capabilities = ["mapped-ram", "multifd"] as const;
const channels = 2;
const unlimitedBytesPerSecond = 1e15;
const statusSchema = z.looseObject({ status: z.string().optional(), "error-desc": z.string().optional() });
const underWay = new Set(["setup", "active", "device", "pre-switchover", "cancelling"]);

/**
 * Stops the guest and writes its memory and devices to a file (docs/devel/migration of QEMU). When it fails or the
 * signal aborts, the guest is left stopped; `abandonSave` lets it go on.
 */
export async function saveMachine(qmp: QmpClient, path: string, signal: AbortSignal): Promise<void> {
  await qmp.execute("stop");
  await prepare(qmp);
  await qmp.execute("migrate", { uri: `file:${path}` }, migrationTimeoutMs);
  await whenCompleted(qmp, signal);
}

/** Fills a hypervisor that was started with `-incoming defer`; the guest stays stopped. */
export async function loadMachine(qmp: QmpClient, path: string, signal: AbortSignal): Promise<void> {
  await prepare(qmp);
  await qmp.execute("migrate-incoming", { uri: `file:${path}` }, migrationTimeoutMs);
  await whenCompleted(qmp, signal);
}

/** Ends a saving that is going on or done, and lets the guest go on. */
export async function abandonSave(qmp: QmpClient): Promise<void> {
  await qmp.execute("migrate_cancel").catch(() => undefined);
  await waitUntil(async () => !underWay.has((await migrationOf(qmp)).status ?? ""), {
    intervalMs: pollMs,
    signal: AbortSignal.timeout(migrationTimeoutMs),
  });
  await qmp.execute("cont");
}

async function prepare(qmp: QmpClient): Promise<void> {
  await qmp.execute("migrate-set-capabilities", { capabilities: capabilities.map((capability) => ({ capability, state: true })) });
  await qmp.execute("migrate-set-parameters", { "multifd-channels": channels, "max-bandwidth": unlimitedBytesPerSecond });
}

async function whenCompleted(qmp: QmpClient, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(migrationTimeoutMs)]);
  let last: z.infer<typeof statusSchema> = {};
  await waitUntil(
    async () => {
      last = await migrationOf(qmp);
      return !underWay.has(last.status ?? "setup");
    },
    { intervalMs: pollMs, signal: limit },
  );
  signal.throwIfAborted();
  if (last.status !== "completed") throw new Error(last["error-desc"] ?? `the hypervisor says ${last.status ?? "nothing"}`);
}

async function migrationOf(qmp: QmpClient): Promise<z.infer<typeof statusSchema>> {
  // While it reads or writes memory QEMU answers late, or only once it is through.
  return statusSchema.parse(await qmp.execute("query-migrate", undefined, migrationTimeoutMs));
}
