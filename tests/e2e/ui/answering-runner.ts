import { create } from "@bufbuild/protobuf";
import { createRunner } from "../../../src/bridge/runner/create-runner.ts";
import { enrolRunner } from "../../../src/bridge/runner/enrol.ts";
import {
  RunnerKind,
  RunnerProvider,
  ValidateRunnerConfigurationResponseSchema,
} from "../../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerService } from "../../../src/contract/gen/gitpod/v1/runner_pb.js";
import { classFields, type SizeBounds, validateClass } from "../../../src/host/runner/class-machine.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { silentLog } from "../../../src/lib/log.ts";
import type { PlaneWithEnvironments } from "../../integration/contexts/plane-with-environments.ts";
import { defaultAnswers, memoryCache, memoryClassCache, memoryState, noSsh } from "../../integration/runners/runner-world.ts";

/** A runner that is connected to a plane and says, as Berth's own does, which classes a computer of this size can give. */
export async function startAnsweringRunner(
  plane: PlaneWithEnvironments,
  { name, bounds }: { readonly name: string; readonly bounds: SizeBounds },
): Promise<{ readonly stop: () => Promise<void> }> {
  const ending = new AbortController();
  const { signal } = ending;
  const wanted = { name, kind: RunnerKind.REMOTE, provider: RunnerProvider.LINUX_HOST };
  const { exchangeToken } = await plane.client(RunnerService).createRunner(wanted);
  const runner = createRunner({
    state: await enrolRunner({ planeUrl: plane.url, exchangeToken, state: memoryState(), clock: systemClock }, signal),
    cache: memoryCache(),
    classCache: memoryClassCache(),
    dialSsh: noSsh,
    answers: {
      ...defaultAnswers,
      validateConfiguration: async (config) => {
        if (config.case !== "environmentClass") throw new Error("it is asked about classes alone");
        const value = validateClass(config.value, bounds);
        return create(ValidateRunnerConfigurationResponseSchema, { result: { case: "environmentClass", value } });
      },
    },
    describe: async () => ({
      environmentClasses: [],
      status: { version: "1" },
      configurationSchema: { version: "1", environmentClasses: classFields(bounds) },
    }),
    ...{ clock: systemClock, log: silentLog, random: Math.random, signal },
  });
  const connected = new Promise<void>((resolve) => runner.link.onState(({ kind }) => kind === "connected" && resolve()));
  const running = runner.link.run(signal).catch(() => undefined);
  await Promise.race([connected, running]);
  const stop = async (): Promise<void> => {
    ending.abort();
    await running;
  };
  return { stop };
}
