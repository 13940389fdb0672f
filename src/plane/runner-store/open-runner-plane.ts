import { ResourceOperation } from "../../contract/gen/gitpod/v1/event_pb.js";
import type { Clock } from "../../lib/clock.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import { version } from "../../lib/version.ts";
import { createRunnerPlane, type RunnerPlane } from "../runners/create-runner-plane.ts";
import type { FanOut } from "../runners/fan-out.ts";
import { environmentServiceKind, taskExecutionKind } from "../store/automation-kinds.ts";
import { environmentKind } from "../store/kinds.ts";
import type { Store } from "../store/store.ts";
import { EnvironmentTokens, environmentTokenKeyUse } from "./environment-tokens.ts";
import { removeExpiredRecords } from "./remove-expired-records.ts";
import { StoredRunnerCredentials } from "./stored-runner-credentials.ts";
import { StoredRunnerEnvironments } from "./stored-runner-environments.ts";
import { StoredRunnerRecords } from "./stored-runner-records.ts";
import { StoredRunnerSettings } from "./stored-runner-settings.ts";

const removeIntervalMs = 60_000;

export interface OpenedRunnerPlane {
  readonly runners: RunnerPlane;
  readonly environmentTokens: EnvironmentTokens;
}

/**
 * The plane's side of the runner protocol on the plane's store, at work until the signal aborts: then its streams end, so
 * that their runners go to another process.
 */
export function openRunnerPlane(options: {
  readonly store: Store;
  readonly deriveKey: (use: string) => Uint8Array;
  readonly fanOut: FanOut;
  /** Unique among all processes of the installation, also over time. */
  readonly processId: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}): OpenedRunnerPlane {
  const { store, deriveKey, fanOut, processId, clock, log, signal } = options;
  const environmentTokens = new EnvironmentTokens(store, deriveKey(environmentTokenKeyUse));
  const records = new StoredRunnerRecords(store);
  const runners = createRunnerPlane({
    records,
    credentials: new StoredRunnerCredentials(store),
    environments: new StoredRunnerEnvironments({ store, tokens: environmentTokens, now: () => clock.nowMs() }),
    settings: new StoredRunnerSettings(store, () => clock.nowMs()),
    latestVersion: async ({ runnerId }) => {
      const configuration = (await records.find(runnerId))?.runner.spec?.configuration;
      return { version, autoUpdate: configuration?.autoUpdate ?? false, supervisorDownloadUrl: "", cliDownloadUrl: "" };
    },
    ...{ fanOut, processId, clock, log },
  });
  const unsubscribe = hintOfChanges(store, { runners, log });
  runners.liveness.start(signal);
  const removing = setInterval(() => {
    void removeExpiredRecords(store, clock.nowMs()).catch((error: unknown) =>
      log.warn("what has expired was not removed", { reason: messageOf(error) }),
    );
  }, removeIntervalMs).unref();
  const end = (): void => {
    clearInterval(removing);
    unsubscribe();
    runners.close();
  };
  signal.addEventListener("abort", end, { once: true });
  return { runners, environmentTokens };
}

/** Every process hears of every change, so each tells the runners that are connected to it; the others list every minute. */
function hintOfChanges(store: Store, { runners, log }: { readonly runners: RunnerPlane; readonly log: Log }): () => void {
  const hint = (runnerId: string, environmentId: string): void =>
    runners.hub.hintHere(runnerId, { case: "eventEnvironmentSpecChange", value: { environmentId } });
  const view = store.system("runners");
  return store.events.subscribe(({ kind, id, operation, parentId }) => {
    if (operation === ResourceOperation.UPDATE_STATUS) return;
    if (kind === environmentKind.name && operation !== ResourceOperation.DELETE) hint(parentId, id);
    if (!automationKinds.includes(kind) || runners.hub.streamCount === 0) return;
    view.get(environmentKind, parentId).then(
      (environment) => hint(environment?.message.metadata?.runnerId ?? "", parentId),
      (error: unknown) => log.warn("a runner was not told of an automation", { reason: messageOf(error) }),
    );
  });
}

/** What changes of them is for the runner of the environment that they belong to. */
const automationKinds: readonly string[] = [environmentServiceKind.name, taskExecutionKind.name];
