import { create } from "@bufbuild/protobuf";
import { arch, hostname, release } from "node:os";
import type { RunnerAnswers } from "../../bridge/runner/answer-requests.ts";
import { createRunner } from "../../bridge/runner/create-runner.ts";
import { fileEnvironmentCache } from "../../bridge/runner/environment-cache.ts";
import type { RunnerDescription } from "../../bridge/runner/runner-link.ts";
import { fileRunnerState } from "../../bridge/runner/runner-state.ts";
import { BerthError } from "../../contract/berth-error.ts";
import { cpusField, machineField, memoryField, ownMachine } from "../../contract/environment-class.ts";
import {
  type EnvironmentClass,
  EnvironmentClassValidationResultSchema,
  RunnerConfigurationSchemaSchema,
  ValidateRunnerConfigurationResponseSchema,
} from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { CheckAuthenticationForHostResponseSchema } from "../../contract/gen/gitpod/v1/runner_pb.js";
import { engineCalls } from "../../engine/engine.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { version } from "../../lib/version.ts";
import type { ConnectPlane, RunnerConnection } from "./runner-connection.ts";
import type { RunnerPaths } from "./runner-paths.ts";

/** Reads who this computer is to its plane. Fails with `setting-invalid` for a credential that is none of ours. */
export async function loadPlane(paths: RunnerPaths, clock: Clock, log: Log): Promise<ConnectPlane> {
  const state = await fileRunnerState(paths.credential).load();
  if (state?.accessToken === undefined) return () => undefined;
  return ({ classes, dialSsh, signal }): RunnerConnection => {
    const runner = createRunner({
      state,
      cache: fileEnvironmentCache(paths.environmentCache, log),
      answers: answersOf(async (principalId, host) => runner.environmentStore.openHostCredential(principalId, host)),
      dialSsh,
      describe: async () => description(await classes()),
      clock,
      log,
      random: Math.random,
      signal,
    });
    return {
      planeUrl: state.planeUrl,
      environmentStore: runner.environmentStore,
      state: () => runner.link.state,
      onState: (listener) => runner.link.onState(listener),
      pendingCount: runner.pendingCount,
      report: async (degredationMessage) => runner.link.updateStatus({ degredationMessage }, signal),
      run: async () => runner.link.run(signal),
    };
  };
}

/** The runner's classes, those with a machine of their own first: they are what is taken where none is named. */
function description(classes: readonly EnvironmentClass[]): RunnerDescription {
  const isOwn = ({ configuration }: EnvironmentClass): boolean => configuration.some(({ value }) => value === ownMachine);
  return {
    environmentClasses: classes.toSorted((a, b) => Number(isOwn(b)) - Number(isOwn(a))),
    status: { version, systemDetails: `${hostname()}: Linux ${release()} ${arch()}` },
    configurationSchema: create(RunnerConfigurationSchemaSchema, {
      version: "1",
      environmentClasses: [
        {
          id: machineField,
          name: "Machine",
          description: "Whether each environment has a machine of its own",
          required: true,
          type: {
            case: "enum",
            value: {
              possibleValues: [{ title: ownMachine }, { title: "shared" }],
              defaultValue: { title: ownMachine },
            },
          },
        },
      ],
    }),
  };
}

type HostCredential = (principalId: string, host: string) => Promise<unknown>;

function answersOf(credential: HostCredential): RunnerAnswers {
  return {
    parseContextUrl: async (request, signal) => engineCalls.parseContextUrl(request, signal),
    checkAuthenticationForHost: async ({ host, principalId }) =>
      create(CheckAuthenticationForHostResponseSchema, {
        authenticated: (await credential(principalId, host)) !== undefined,
        scmName: host,
        supportsPat: {},
      }),
    validateConfiguration: async (config) => {
      if (config.case !== "environmentClass")
        throw new BerthError("not-supported", "this runner takes tokens for hosts, and no integrations");
      return create(ValidateRunnerConfigurationResponseSchema, { result: { case: "environmentClass", value: validate(config.value) } });
    },
  };
}

function validate({ configuration }: Pick<EnvironmentClass, "configuration">) {
  const known: ReadonlySet<string> = new Set([machineField, cpusField, memoryField]);
  const errors = configuration.filter(({ key }) => !known.has(key)).map(({ key }) => ({ key, error: "this runner does not know it" }));
  return create(EnvironmentClassValidationResultSchema, { valid: errors.length === 0, configurationErrors: errors });
}
