import type { ServiceImpl } from "@connectrpc/connect";
import type { IdentityService } from "../../contract/gen/gitpod/v1/identity_pb.js";
import type { RunnerInteractionService } from "../../contract/gen/gitpod/v1/runner_interaction_pb.js";
import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { RunnerEnrolment } from "./enrolment.ts";
import type { FanOut } from "./fan-out.ts";
import { RunnerLiveness } from "./liveness.ts";
import type { RunnerCredentials, RunnerEnvironments, RunnerRecords, RunnerSettings } from "./ports.ts";
import { RunnerCalls } from "./runner-calls.ts";
import { RunnerHub } from "./runner-hub.ts";
import { type RunnerInteractionOptions, runnerInteractionService } from "./runner-interaction-service.ts";

/** A plane's side of the runner protocol. */
export interface RunnerPlane {
  /** Exchange tokens for CreateRunner and CreateRunnerToken, and whose access token a call has. */
  readonly enrolment: RunnerEnrolment;
  /** What the services ask runners. */
  readonly calls: RunnerCalls;
  /** Tells runners what to look at, and ends their connections. */
  readonly hub: RunnerHub;
  readonly liveness: RunnerLiveness;
  readonly interactionService: ServiceImpl<typeof RunnerInteractionService>;
  /** `IdentityService.ExchangeToken`. */
  readonly exchangeToken: ServiceImpl<typeof IdentityService>["exchangeToken"];
  /** Ends all streams, so that their runners go elsewhere, and what waits for answers. */
  close(): void;
}

/** Puts the plane's side of the runner protocol together. */
export function createRunnerPlane(options: {
  readonly records: RunnerRecords;
  readonly credentials: RunnerCredentials;
  readonly environments: RunnerEnvironments;
  readonly settings: RunnerSettings;
  readonly latestVersion: RunnerInteractionOptions["latestVersion"];
  readonly fanOut: FanOut;
  /** Unique among all processes of the installation, also over time. */
  readonly processId: string;
  readonly clock: Clock;
  readonly log: Log;
}): RunnerPlane {
  const { records, credentials, environments, settings, latestVersion, fanOut, processId, clock, log } = options;
  const enrolment = new RunnerEnrolment({ records, credentials, clock });
  const liveness = new RunnerLiveness({ records, clock, log });
  const hub = new RunnerHub({ processId, fanOut, clock });
  return {
    enrolment,
    liveness,
    hub,
    calls: new RunnerCalls(hub),
    interactionService: runnerInteractionService({ records, enrolment, liveness, hub, environments, settings, latestVersion }),
    exchangeToken: async ({ exchangeToken }) => ({ accessToken: await enrolment.exchange(exchangeToken) }),
    close: () => hub.close(),
  };
}
