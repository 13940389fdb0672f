import { create } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { AgentService, type ExecRequest, ExecRequestSchema } from "../../src/contract/gen/berth/v1/agent_pb.js";
import { type AgentConnection, connectAgent } from "../../src/lib/agent-transport.ts";
import { waitUntil } from "../../src/lib/wait-until.ts";
import { giveIdentity } from "../../src/engine/start-machine.ts";
import type { MachineDriver, MachineIdentity } from "../../src/vm/driver.ts";

const pollMs = 200;
const connectTimeoutMs = 5000;

/** A machine that has booted: commands run in it as root, and what they print is given back. */
export interface BootedMachine {
  run(script: string): Promise<string>;
  close(): void;
}

/** Connects to a machine's agent as soon as it answers, and waits for dockerd. */
export async function whenDockerReady(driver: MachineDriver, id: string, signal: AbortSignal): Promise<BootedMachine> {
  let connection: AgentConnection | undefined;
  let newIdentity: MachineIdentity | undefined;
  await waitUntil(
    async () => {
      const { stream, linkKey, ...more } = await driver.dialAgent(id, signal);
      ({ newIdentity } = more);
      connection = await connectAgent(stream, linkKey, AbortSignal.any([signal, AbortSignal.timeout(connectTimeoutMs)])).catch(() => {
        stream.destroy();
        return undefined;
      });
      return connection !== undefined;
    },
    { intervalMs: pollMs, signal },
  );
  if (connection === undefined) throw new Error(`the agent of ${id} does not answer`);
  const { transport, close } = connection;
  const agent = createClient(AgentService, transport);
  await giveIdentity({ driver, id, client: agent }, newIdentity, signal);
  const ready = await waitUntil(async () => (await agent.hello({ protocol: 1 }, { signal })).dockerReady, { intervalMs: pollMs, signal });
  if (!ready) throw new Error(`dockerd in ${id} does not answer`);
  return {
    close,
    run: async (script) => {
      let said = "";
      for await (const { message } of agent.exec(start(script), { signal })) {
        if (message.case === "stdout" || message.case === "stderr") said += Buffer.from(message.value).toString();
        if (message.case === "exit" && message.value.code !== 0) throw new Error(`${script} ended with ${message.value.code}: ${said}`);
      }
      return said;
    },
  };
}

async function* start(script: string): AsyncGenerator<ExecRequest> {
  yield create(ExecRequestSchema, { message: { case: "start", value: { argv: ["sh", "-c", script] } } });
  yield create(ExecRequestSchema, { message: { case: "stdinEnd", value: true } });
}
