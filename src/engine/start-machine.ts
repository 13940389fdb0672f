import { createClient } from "@connectrpc/connect";
import { randomBytes } from "node:crypto";
import { BerthError } from "../contract/berth-error.ts";
import { AgentService } from "../contract/gen/berth/v1/agent_pb.js";
import { type AgentConnection, connectAgent } from "../lib/agent-transport.ts";
import { type Log, messageOf } from "../lib/log.ts";
import type { MachineDriver, MachineSpec } from "../vm/driver.ts";
import type { AgentClient, MachineTemplate } from "./machine-view.ts";

const entropyBytes = 32;

/**
 * Starts a machine: as a copy of a template where it has no disk yet and there is one, else from where it was suspended
 * or by a boot. A template that cannot be copied is made anew once. Fails as the boot of a template or of a machine does.
 */
export async function startMachine(
  { driver, template, log }: { readonly driver: MachineDriver; readonly template?: MachineTemplate | undefined; readonly log: Log },
  spec: MachineSpec,
  signal: AbortSignal,
): Promise<void> {
  // A copy has what its template has, which is no folder.
  const isPlain = (spec.sharedFolders ?? []).length === 0;
  if (template !== undefined && isPlain && driver.features.fork && (await driver.inspect(spec.id)).state === "absent")
    for (const anew of [false, true]) {
      const templateId = await template(spec, { anew }, signal);
      try {
        return await driver.fork(spec, templateId, signal);
      } catch (error) {
        signal.throwIfAborted();
        // A full disk or a missing hypervisor is no fault of the template.
        if (error instanceof BerthError && error.code !== "fork-unavailable") throw error;
        log.warn("a machine was not made as a copy of its template", { machine: spec.id, reason: messageOf(error) });
      }
    }
  await driver.create(spec, signal);
  await driver.start(spec, signal);
}

/** A connection to a machine's agent. A copy is made a machine of its own first, and then spoken to under its own key alone. */
export async function dialMachine(
  driver: MachineDriver,
  id: string,
  signal: AbortSignal,
): Promise<{ readonly connection: AgentConnection; readonly client: AgentClient }> {
  const { stream, linkKey, newIdentity } = await driver.dialAgent(id, signal);
  const connection = await connectAgent(stream, linkKey, signal).catch((error: unknown) => {
    stream.destroy();
    throw error;
  });
  const client = createClient(AgentService, connection.transport);
  if (newIdentity === undefined) return { connection, client };
  try {
    await client.takeIdentity({ ...newIdentity, entropy: randomBytes(entropyBytes) }, { signal });
    await driver.identityTaken(id);
  } finally {
    connection.close();
  }
  return dialMachine(driver, id, signal);
}
