import { clone, create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  EnvironmentClassSchema,
  type RunnerConfigurationService,
  type ValidateRunnerConfigurationRequest,
  ValidateRunnerConfigurationRequest_ValidateSCMIntegrationSchema,
} from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import { runnerStateKind } from "../runner-store/kinds.ts";
import { environmentClassKind, runnerKind } from "../store/fleet-kinds.ts";
import { found } from "./found.ts";
import type { RunnerDependencies } from "./runner-administration.ts";
import { sealerFor } from "./runner-key.ts";

/** Environment classes of runners, and what runners say of their configuration. */
export function classAdministration({
  scopeOf,
  runners,
  now,
}: Pick<RunnerDependencies, "scopeOf" | "runners" | "now">): Partial<ServiceImpl<typeof RunnerConfigurationService>> {
  return {
    createEnvironmentClass: async ({ runnerId, displayName, description, configuration }, context) => {
      const scope = scopeOf(context);
      const id = uuidV7(now());
      const made = create(EnvironmentClassSchema, { id, runnerId, displayName, description, configuration, enabled: true });
      await scope.store.transaction(async (tx) => {
        await found(tx, runnerKind, runnerId, "runner");
        tx.insert(environmentClassKind, id, made);
      });
      return { id };
    },
    getEnvironmentClass: async ({ environmentClassId }, context) => ({
      environmentClass: (await found(scopeOf(context).store, environmentClassKind, environmentClassId, "environment class")).message,
    }),
    updateEnvironmentClass: async ({ environmentClassId, displayName, description, enabled }, context) => {
      const scope = scopeOf(context);
      await scope.store.transaction(async (tx) => {
        const stored = await found(tx, environmentClassKind, environmentClassId, "environment class");
        const draft = clone(EnvironmentClassSchema, stored.message);
        draft.displayName = displayName ?? draft.displayName;
        draft.description = description ?? draft.description;
        draft.enabled = enabled ?? draft.enabled;
        tx.update(environmentClassKind, stored, draft);
      });
      return {};
    },
    getRunnerConfigurationSchema: async ({ runnerId }, context) => {
      const { store } = scopeOf(context);
      await found(store, runnerKind, runnerId, "runner");
      const schema = (await store.get(runnerStateKind, runnerId))?.message.configurationSchema;
      return schema === undefined ? {} : { schema };
    },
    validateRunnerConfiguration: async ({ runnerId, config }, context) => {
      const scope = scopeOf(context);
      const seal = await sealerFor(scope.store, runnerId);
      return runners.calls.validateConfiguration(runnerId, await sealedConfig(config, seal), context.signal);
    },
  };
}

/** A secret goes to the runner in a form that only the runner can read, past whatever carries it. */
async function sealedConfig(
  config: ValidateRunnerConfigurationRequest["config"],
  seal: (value: string) => Promise<Uint8Array>,
): Promise<ValidateRunnerConfigurationRequest["config"]> {
  if (config.case !== "scmIntegration" || config.value.oauthClientSecret.case !== "oauthPlaintextClientSecret") return config;
  const value = clone(ValidateRunnerConfigurationRequest_ValidateSCMIntegrationSchema, config.value);
  value.oauthClientSecret = { case: "oauthEncryptedClientSecret", value: await seal(config.value.oauthClientSecret.value) };
  return { case: "scmIntegration", value };
}
