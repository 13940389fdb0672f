import { clone, create } from "@bufbuild/protobuf";
import { arch, hostname, release } from "node:os";
import type { RunnerAnswers } from "../../bridge/runner/answer-requests.ts";
import { createRunner } from "../../bridge/runner/create-runner.ts";
import { fileEnvironmentCache } from "../../bridge/runner/environment-cache.ts";
import type { RunnerDescription } from "../../bridge/runner/runner-link.ts";
import { fileClassCache } from "../../bridge/runner/runner-classes.ts";
import { fileRunnerState } from "../../bridge/runner/runner-state.ts";
import { BerthError } from "../../contract/berth-error.ts";
import { hasOwnMachine, machineField, ownMachine, sharedMachine } from "../../contract/environment-class.ts";
import {
  type EnvironmentClass,
  EnvironmentClassSchema,
  FieldValueSchema,
  RunnerConfigurationSchemaSchema,
  ValidateRunnerConfigurationResponseSchema,
} from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { CheckAuthenticationForHostResponseSchema } from "../../contract/gen/gitpod/v1/runner_pb.js";
import { engineCalls } from "../../engine/engine.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { version } from "../../lib/version.ts";
import { classFields, type SizeBounds, validateClass } from "./class-machine.ts";
import type { ConnectPlane, RunnerConnection } from "./runner-connection.ts";
import type { RunnerPaths } from "./runner-paths.ts";

/** Reads who this computer is to its plane. Fails with `setting-invalid` for a credential that is none of ours. */
export async function loadPlane(paths: RunnerPaths, clock: Clock, log: Log): Promise<ConnectPlane> {
  const state = await fileRunnerState(paths.credential).load();
  if (state?.accessToken === undefined) return () => undefined;
  return ({ classes, dialSsh, bounds, signal }): RunnerConnection => {
    const runner = createRunner({
      state,
      cache: fileEnvironmentCache(paths.environmentCache, log),
      classCache: fileClassCache(paths.classCache, log),
      answers: answersOf(async (principalId, host) => runner.environmentStore.openHostCredential(principalId, host), bounds),
      dialSsh,
      describe: async () => description(await classes(), bounds),
      clock,
      log,
      random: Math.random,
      signal,
    });
    return {
      planeUrl: state.planeUrl,
      environmentStore: runner.environmentStore,
      findClass: (classId) => runner.classes.find(classId),
      state: () => runner.link.state,
      onState: (listener) => runner.link.onState(listener),
      pendingCount: runner.pendingCount,
      orphanIds: () => runner.environmentStore.orphanIds,
      deleteOrphan: (environmentId) => runner.environmentStore.deleteOrphan(environmentId),
      report: async (degredationMessage) => runner.link.updateStatus({ degredationMessage }, signal),
      run: async () => runner.link.run(signal),
    };
  };
}

/**
 * The runner's classes, those with a machine of their own first: they are what is taken where none is named. A class that
 * says no size leaves it to what a dev container asks for.
 */
function description(classes: readonly EnvironmentClass[], bounds: SizeBounds): RunnerDescription {
  const offered = classes.map((one) => {
    const offer = clone(EnvironmentClassSchema, one);
    offer.configuration = [create(FieldValueSchema, { key: machineField, value: hasOwnMachine(one) ? ownMachine : sharedMachine })];
    return offer;
  });
  return {
    environmentClasses: offered.toSorted((a, b) => Number(hasOwnMachine(b)) - Number(hasOwnMachine(a))),
    status: { version, systemDetails: `${hostname()}: Linux ${release()} ${arch()}` },
    configurationSchema: create(RunnerConfigurationSchemaSchema, { version: "1", environmentClasses: classFields(bounds) }),
  };
}

type HostCredential = (principalId: string, host: string) => Promise<unknown>;

function answersOf(credential: HostCredential, bounds: SizeBounds): RunnerAnswers {
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
      const value = validateClass(config.value, bounds);
      return create(ValidateRunnerConfigurationResponseSchema, { result: { case: "environmentClass", value } });
    },
  };
}
