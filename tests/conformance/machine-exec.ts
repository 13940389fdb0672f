import { create } from "@bufbuild/protobuf";
import { type ExecRequest, ExecRequestSchema } from "../../src/contract/gen/berth/v1/agent_pb.js";
import { waitUntil } from "../../src/lib/wait-until.ts";
import { dialMachine } from "../../src/engine/start-machine.ts";
import type { MachineDriver } from "../../src/vm/driver.ts";

const pollMs = 200;
/** A copy is given its identity within this too, which takes seconds on a loaded computer. */
const connectTimeoutMs = 15_000;

/** A machine that has booted: commands run in it as root, and what they print is given back. */
export interface BootedMachine {
  run(script: string): Promise<string>;
  close(): void;
}

/** Connects to a machine's agent as soon as it answers, and waits for dockerd. */
export async function whenDockerReady(driver: MachineDriver, id: string, signal: AbortSignal): Promise<BootedMachine> {
  let dialed: Awaited<ReturnType<typeof dialMachine>> | undefined;
  await waitUntil(
    async () => {
      dialed = await dialMachine(driver, id, AbortSignal.any([signal, AbortSignal.timeout(connectTimeoutMs)])).catch(() => undefined);
      return dialed !== undefined;
    },
    { intervalMs: pollMs, signal },
  );
  if (dialed === undefined) throw new Error(`the agent of ${id} does not answer`);
  const { client: agent } = dialed;
  const { close } = dialed.connection;
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
