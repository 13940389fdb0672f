import { clone, create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { RunnerKind } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import {
  type Runner,
  RunnerPhase,
  RunnerSchema,
  type RunnerService,
  RunnerSpecSchema,
  RunnerVariant,
} from "../../contract/gen/gitpod/v1/runner_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import { subjectOf } from "../caller.ts";
import type { RequestScope, ScopeOf } from "../request-scope.ts";
import type { RunnerPlane } from "../runners/create-runner-plane.ts";
import { runnerKind } from "../store/fleet-kinds.ts";
import type { Store } from "../store/store.ts";
import { visibleRunners } from "../access/visibility.ts";
import { found } from "./found.ts";
import { policiesOf, refuseByPolicy } from "./organization-policies.ts";
import { applyConfiguration } from "./runner-configuration.ts";
import { removeRunner } from "./runner-removal.ts";
import { refuse } from "./supported-spec.ts";

export interface RunnerDependencies {
  readonly store: Store;
  readonly scopeOf: ScopeOf;
  readonly runners: RunnerPlane;
  readonly now: () => number;
}

/** gitpod.v1.RunnerService of a server, whose runners are on other computers and sign up. */
export function runnerAdministration({
  store: all,
  scopeOf,
  runners,
  now,
}: RunnerDependencies): Partial<ServiceImpl<typeof RunnerService>> {
  return {
    createRunner: async (request, context) => {
      const scope = scopeOf(context);
      const runner = newRunner(request, scope, now());
      if (runner.kind === RunnerKind.LOCAL && !(await policiesOf(scope.store, scope.store.organizationId)).allowLocalRunners)
        refuseByPolicy("allow_local_runners", "people's own computers are no runners");
      await scope.store.transaction(async (tx) => tx.insert(runnerKind, runner.runnerId, runner));
      return { runner, exchangeToken: await runners.enrolment.issueExchangeToken(runner.runnerId) };
    },
    getRunner: async ({ runnerId }, context) => ({ runner: (await found(scopeOf(context).store, runnerKind, runnerId, "runner")).message }),
    listRunners: async ({ filter, pagination }, context) => {
      const scope = scopeOf(context);
      const { kinds = [], providers = [], creatorIds = [] } = filter ?? {};
      const where = {
        ...(kinds.length === 0 ? {} : { roles: kinds }),
        ...(providers.length === 0 ? {} : { labels: providers.map(String) }),
        ...(creatorIds.length === 0 ? {} : { creatorIds }),
        ...(await visibleRunners(scope)),
      };
      const { items, nextToken } = await scope.store.list(runnerKind, pagination, { where });
      return { runners: items.map(({ message }) => message), pagination: { nextToken } };
    },
    updateRunner: async ({ runnerId, name, spec }, context) => {
      const scope = scopeOf(context);
      await scope.store.transaction(async (tx) => {
        const stored = await found(tx, runnerKind, runnerId, "runner");
        const draft = clone(RunnerSchema, stored.message);
        draft.spec ??= create(RunnerSpecSchema);
        draft.updatedAt = timestampFromMs(now());
        if (name !== undefined) draft.name = name;
        if (spec?.desiredPhase !== undefined) draft.spec.desiredPhase = wantedPhase(spec.desiredPhase);
        if (spec?.configuration !== undefined) applyConfiguration(draft.spec, spec.configuration);
        tx.update(runnerKind, stored, draft);
      });
      return {};
    },
    deleteRunner: async ({ runnerId, force }, context) => {
      const scope = scopeOf(context);
      await removeRunner({ organization: scope.store, installation: all, runners, runnerId, force, now });
      return {};
    },
    createRunnerToken: async ({ runnerId }, context) => {
      const scope = scopeOf(context);
      // The credential is no record that people see; that one was made is.
      await scope.store.transaction(async (tx) => {
        const stored = await found(tx, runnerKind, runnerId, "runner");
        tx.update(runnerKind, stored, { ...stored.message, updatedAt: timestampFromMs(now()) });
      });
      return { exchangeToken: await runners.enrolment.issueExchangeToken(runnerId) };
    },
    checkAuthenticationForHost: async ({ runnerId, host }, context) => {
      const { store, caller } = scopeOf(context);
      await found(store, runnerKind, runnerId, "runner");
      return runners.calls.checkAuthenticationForHost(runnerId, { host, principalId: caller.id }, context.signal);
    },
  };
}

function newRunner(
  { name, kind, provider, spec, runnerManagerId }: Parameters<NonNullable<ReturnType<typeof runnerAdministration>["createRunner"]>>[0],
  { caller }: RequestScope,
  nowMs: number,
): Runner {
  if (runnerManagerId !== "") refuse("runnerManagerId: there are no runner managers");
  if ((spec?.configuration?.metrics?.password ?? "") !== "") refuse("spec.configuration.metrics.password: it would be kept readable");
  const at = timestampFromMs(nowMs);
  return create(RunnerSchema, {
    runnerId: uuidV7(nowMs),
    name,
    kind,
    provider,
    creator: subjectOf(caller),
    createdAt: at,
    updatedAt: at,
    spec: {
      ...spec,
      desiredPhase: wantedPhase(spec?.desiredPhase ?? RunnerPhase.UNSPECIFIED),
      variant: spec?.variant || RunnerVariant.STANDARD,
    },
    status: { phase: RunnerPhase.CREATED, updatedAt: at, region: spec?.configuration?.region ?? "" },
  });
}

/** A runner is deleted by DeleteRunner alone. */
function wantedPhase(phase: RunnerPhase): RunnerPhase {
  if (phase === RunnerPhase.UNSPECIFIED) return RunnerPhase.ACTIVE;
  if (phase !== RunnerPhase.ACTIVE && phase !== RunnerPhase.INACTIVE) refuse("spec.desiredPhase: active or inactive can be wanted");
  return phase;
}
