import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { EnvironmentPhase, type Environment, type EnvironmentStatus } from "../../contract/gen/gitpod/v1/environment_pb.js";
import type { RunnerInteractionService, UpdateRunnerStatusRequest } from "../../contract/gen/gitpod/v1/runner_interaction_pb.js";
import type { RunnerStatus } from "../../contract/gen/gitpod/v1/runner_pb.js";
import { newSession, runnerSessionHeader } from "../../contract/runner-protocol.ts";
import { principalKey } from "../authorization/authorizer.ts";
import type { RunnerEnrolment } from "./enrolment.ts";
import type { RunnerLiveness } from "./liveness.ts";
import type { LatestVersion, PageOf, RunnerEnvironments, RunnerRecords, RunnerSettings } from "./ports.ts";
import type { RunnerHub } from "./runner-hub.ts";

export interface RunnerInteractionOptions {
  readonly records: RunnerRecords;
  readonly enrolment: RunnerEnrolment;
  readonly liveness: RunnerLiveness;
  readonly hub: RunnerHub;
  readonly environments: RunnerEnvironments;
  readonly settings: RunnerSettings;
  readonly latestVersion: (request: { readonly runnerId: string; readonly currentVersion: string }) => Promise<LatestVersion>;
}

/**
 * gitpod.v1.RunnerInteractionService. Every call has to come from the runner it is about, known by `principalKey`, and
 * from the process with its newest session, else it fails with `not-allowed` or `runner-replaced`.
 */
export function runnerInteractionService(options: RunnerInteractionOptions): ServiceImpl<typeof RunnerInteractionService> {
  const { records, enrolment, liveness, hub, settings, latestVersion } = options;
  const admit = async ({ runnerId }: { readonly runnerId: string }, context: HandlerContext): Promise<string> => {
    if (callerOf(context) !== runnerId) throw new BerthError("not-allowed", "a runner speaks for itself alone");
    const { name, isNew } = await enrolment.admit(runnerId, sessionOf(context));
    if (isNew) await hub.disconnect(runnerId, { exceptSession: name });
    return name;
  };
  return {
    signup: async ({ publicKey, environmentClasses }, context) => {
      const runnerId = callerOf(context);
      const wantsSession = sessionOf(context) === newSession;
      const accessToken = context.requestHeader.get("authorization")?.replace(/^Bearer /i, "") ?? "";
      const { isKeyReplaced, sealedSession } = await enrolment.signUp({ runnerId, publicKey, wantsSession, accessToken });
      if (sealedSession !== undefined) context.responseHeader.set(runnerSessionHeader, Buffer.from(sealedSession).toString("base64"));
      if (isKeyReplaced) {
        await hub.disconnect(runnerId, { exceptSession: undefined });
        await settings.forgetSealed(runnerId);
      }
      await settings.offerClasses(runnerId, environmentClasses);
      return { runnerId };
    },
    markRunnerActive: async (request, context) => {
      await admit(request, context);
      await liveness.markActive(request.runnerId);
      return {};
    },
    updateRunnerStatus: async (request, context) => {
      await admit(request, context);
      await liveness.updateStatus(request.runnerId, statusChange(request));
      return {};
    },
    updateRunnerConfigurationSchema: async (request, context) => {
      await admit(request, context);
      await records.update(request.runnerId, (record) => ({ ...record, configurationSchema: request.configSchema }));
      return {};
    },
    getLatestVersion: async (request, context) => {
      await admit(request, context);
      const { cliDownloadUrl, ...latest } = await latestVersion(request);
      return { ...latest, gitpodCliDownloadUrl: cliDownloadUrl };
    },
    watchRequests: async function* (request, context) {
      yield* hub.open(request.runnerId, await admit(request, context), context.signal);
    },
    sendResponse: async (request, context) => {
      await admit(request, context);
      await hub.answer(request.runnerId, request);
      return {};
    },
    ...environmentMethods(options.environments, admit),
    ...settingsMethods(settings, admit),
  };
}

type Admit = (request: { readonly runnerId: string }, context: HandlerContext) => Promise<string>;

function environmentMethods(environments: RunnerEnvironments, admit: Admit) {
  return {
    listRunnerEnvironments: async (request, context) => {
      await admit(request, context);
      const page = await environments.list(request.runnerId, { ids: request.environmentIds, page: request.pagination });
      return answerPage(page, async (items) => ({ environments: await toRunner(environments, request.runnerId, items) }));
    },
    getRunnerEnvironment: async (request, context) => {
      await admit(request, context);
      const found = await environments.find(request.runnerId, request.environmentId);
      if (found === undefined) throw unknownEnvironment(request.environmentId);
      const [environment] = await toRunner(environments, request.runnerId, [found]);
      if (environment === undefined) throw unknownEnvironment(request.environmentId);
      return { environment };
    },
    updateRunnerEnvironmentStatus: async (request, context) => {
      const { runnerId, environmentId, status } = request;
      // All of it is read at once; nothing is decided before the caller is let in.
      const admitted = admit(request, context);
      const reported = environments.report(runnerId, environmentId, async (environment) => {
        await admitted;
        if (environment === undefined || status === undefined) throw unknownEnvironment(environmentId);
        return outcomeOf(environment, status);
      });
      await Promise.all([admitted, reported]);
      return {};
    },
  } satisfies Partial<ServiceImpl<typeof RunnerInteractionService>>;
}

function settingsMethods(settings: RunnerSettings, admit: Admit) {
  return {
    listRunnerEnvironmentClasses: async (request, context) => {
      await admit(request, context);
      const options = { ids: request.filter?.environmentClassIds ?? [], page: request.pagination };
      return answerPage(await settings.classes(request.runnerId, options), async (items) => ({ environmentClasses: [...items] }));
    },
    listRunnerSCMIntegrations: async (request, context) => {
      await admit(request, context);
      const options = { ids: request.filter?.integrationIds ?? [], page: request.pagination };
      return answerPage(await settings.integrations(request.runnerId, options), async (items) => ({ integrations: [...items] }));
    },
    getHostAuthenticationTokenValue: async (request, context) => {
      await admit(request, context);
      const token = await settings.hostToken(request.runnerId, request.principalId, request.host.toLowerCase());
      if (token === undefined) throw new BerthError("resource-not-found", "there is no token of this principal for this host");
      const { tokenId, sealedValue: value, sealedRefreshToken: refreshToken, expiresAtMs } = token;
      return { tokenId, value, refreshToken, ...(expiresAtMs === undefined ? {} : { expiresAt: timestampFromMs(expiresAtMs) }) };
    },
  } satisfies Partial<ServiceImpl<typeof RunnerInteractionService>>;
}

function callerOf(context: HandlerContext): string {
  const principal = context.values.get(principalKey);
  if (principal?.kind !== "runner") throw new BerthError("not-allowed", "only a runner may call this");
  return principal.id;
}

function sessionOf(context: HandlerContext): string {
  return context.requestHeader.get(runnerSessionHeader) ?? "";
}

function statusChange(request: UpdateRunnerStatusRequest): Partial<RunnerStatus> {
  const { version, systemDetails, logUrl, degredationMessage, region, additionalInfo, capabilities } = request;
  return {
    ...(version === undefined ? {} : { version }),
    ...(systemDetails === undefined ? {} : { systemDetails }),
    ...(logUrl === undefined ? {} : { logUrl }),
    ...(degredationMessage === undefined ? {} : { message: degredationMessage }),
    ...(region === undefined ? {} : { region }),
    // A list that was not sent cannot be told from an empty one.
    ...(additionalInfo.length === 0 ? {} : { additionalInfo }),
    ...(capabilities.length === 0 ? {} : { capabilities }),
  };
}

async function toRunner(environments: RunnerEnvironments, runnerId: string, items: readonly Environment[]) {
  return (await environments.show(runnerId, items)).map(({ environment: { id, metadata, spec, status }, accessToken }) => ({
    id,
    ...(metadata === undefined ? {} : { metadata }),
    ...(spec === undefined ? {} : { spec }),
    ...(status?.activitySignal === undefined ? {} : { activitySignal: status.activitySignal }),
    environmentAccessToken: accessToken,
  }));
}

/** A status from a newer spec than there is was made up; one from an older spec than the last has been overtaken. */
function outcomeOf(environment: Environment, status: EnvironmentStatus): EnvironmentStatus | "forgotten" | undefined {
  const version = environment.spec?.specVersion ?? 0n;
  const acknowledged = status.runnerAck?.specVersion ?? 0n;
  if (acknowledged > version) throw new BerthError("request-invalid", `runner_ack: the spec is at version ${version}`);
  if (acknowledged < (environment.status?.runnerAck?.specVersion ?? 0n)) return undefined;
  const isGone = status.phase === EnvironmentPhase.DELETED && environment.spec?.desiredPhase === EnvironmentPhase.DELETED;
  return isGone ? "forgotten" : status;
}

async function answerPage<T, Answer extends object>(
  { items, nextToken }: PageOf<T>,
  toAnswer: (items: readonly T[]) => Promise<Answer>,
): Promise<Answer & { pagination: { nextToken: string } }> {
  return { ...(await toAnswer(items)), pagination: { nextToken } };
}

function unknownEnvironment(id: string): BerthError {
  return new BerthError("environment-not-found", `this runner has no environment ${id}`);
}
