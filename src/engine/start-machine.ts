import { randomBytes } from "node:crypto";
import { type Log, messageOf } from "../lib/log.ts";
import type { MachineDriver, MachineIdentity, MachineSpec } from "../vm/driver.ts";
import type { AgentClient, MachineTemplate } from "./machine-view.ts";

const entropyBytes = 32;

/**
 * Starts a machine: as a copy of a template where it has no disk yet and there is one, else from where it was suspended
 * or by a boot. A template that cannot be copied is made anew once.
 */
export async function startMachine(
  { driver, template, log }: { readonly driver: MachineDriver; readonly template?: MachineTemplate | undefined; readonly log: Log },
  spec: MachineSpec,
  signal: AbortSignal,
): Promise<void> {
  if (template !== undefined && driver.features.fork && (await driver.inspect(spec.id)).state === "absent")
    for (const anew of [false, true]) {
      try {
        return await driver.fork(spec, await template(spec, { anew }, signal), signal);
      } catch (error) {
        signal.throwIfAborted();
        log.warn("a machine was not made as a copy of its template", { machine: spec.id, reason: messageOf(error) });
      }
    }
  await driver.create(spec, signal);
  await driver.start(spec, signal);
}

/** Makes a copy a machine of its own, before anything else is done on it. */
export async function giveIdentity(
  { driver, id, client }: { readonly driver: MachineDriver; readonly id: string; readonly client: AgentClient },
  identity: MachineIdentity | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (identity === undefined) return;
  await client.takeIdentity({ ...identity, entropy: randomBytes(entropyBytes) }, { signal });
  await driver.identityTaken(id);
}
