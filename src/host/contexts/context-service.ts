import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import type { ContextService, SignInRequest, SignInResponseSchema } from "../../contract/gen/berth/v1/context_pb.js";
import { AsyncQueue } from "../../lib/async-queue.ts";
import { changeKindOf, waitingMessage } from "./change-messages.ts";
import type { Contexts } from "./contexts.ts";
import { planeMethod } from "./plane-methods.ts";
import { plain } from "./list-environments.ts";
import type { SignInMethod, SignInStep } from "./new-sign-in.ts";
import type { Seen } from "./watch-environment.ts";

/** A sign-in tells of one step, rarely of two. */
const maxQueuedSteps = 4;

/** berth.v1.ContextService */
export function contextService(contexts: Contexts): ServiceImpl<typeof ContextService> {
  return {
    async addContext({ planeUrl, name }) {
      return { context: await (await contexts.add(planeUrl, name)).view() };
    },
    async listContexts() {
      return { contexts: await Promise.all(contexts.all.map(async (context) => context.view())) };
    },
    removeContext: async ({ contextId, discardChanges }) => contexts.remove(contextId, { discardChanges }),
    async *signIn(request, { signal }) {
      const context = contexts.get(request.contextId);
      const method = methodOf(request.method);
      const steps = new AsyncQueue<SignInStep>(maxQueuedSteps);
      const signedIn = context.signIn(method, (step) => void steps.push(step), signal).finally(() => steps.end());
      signedIn.catch(() => undefined);
      for await (const step of steps) yield stepMessage(step);
      yield { progress: { case: "signedIn", value: await signedIn } };
    },
    signOut: async ({ contextId, discardChanges }) => contexts.get(contextId).signOut({ discardChanges }),
    listRemoteEnvironments: async ({ contextId, polling }, { signal }) => contexts.get(contextId).environments({ polling }, signal),
    callPlane: async ({ contextId, method, message }, { signal }) => ({
      message: await contexts.get(contextId).callPlane(planeMethod(method), message, signal),
    }),
    listRemoteEnvironmentClasses: async ({ contextId }, { signal }) => ({ classes: await contexts.get(contextId).work.classes(signal) }),
    createRemoteEnvironment: async (request, { signal }) => ({
      environment: await contexts.get(request.contextId).work.create(request, signal),
    }),
    changeRemoteEnvironment: async ({ contextId, kind, ...wanted }, { signal }) => {
      const { work } = contexts.get(contextId);
      const { waiting, environment } = await work.change({ ...wanted, kind: changeKindOf(kind) }, signal);
      return {
        ...(waiting === undefined ? {} : { waiting: waitingMessage(waiting) }),
        ...(environment === undefined ? {} : { environment }),
      };
    },
    getRemoteEnvironment: async ({ contextId, environmentId }, { signal }) => ({
      details: await contexts.get(contextId).work.details(environmentId, signal),
    }),
    async *watchRemoteEnvironment({ contextId, environmentId }, { signal }) {
      for await (const seen of contexts.get(contextId).work.watch(environmentId, signal)) yield { seen: seenMessage(seen) };
    },
    takeBackChange: async ({ contextId, changeId }) => ({
      change: waitingMessage(await contexts.get(contextId).work.takeBack(changeId)),
    }),
    forgetDroppedChanges: async ({ contextId, changeIds }) => {
      await contexts.get(contextId).work.forgetDropped(changeIds);
      return {};
    },
  };
}

function methodOf(method: SignInRequest["method"]): SignInMethod {
  switch (method.case) {
    case "browser":
      return { kind: "browser" };
    case "deviceCode":
      return { kind: "device-code" };
    case "personalAccessToken":
      return { kind: "token", token: method.value };
    case undefined:
      throw new BerthError("argument-invalid", "the request does not say how to sign in");
  }
}

function seenMessage(seen: Seen) {
  switch (seen.kind) {
    case "details":
      return { case: "details" as const, value: seen.details };
    case "gone":
      return { case: "gone" as const, value: {} };
    case "offline":
      return { case: "offline" as const, value: plain(seen.detail) };
  }
}

function stepMessage(step: SignInStep): MessageInitShape<typeof SignInResponseSchema> {
  if (step.kind === "browser") return { progress: { case: "browserUrl", value: step.url } };
  const { userCode, verificationUrl, expiresAtMs } = step;
  return { progress: { case: "deviceCode", value: { userCode, verificationUrl, expiresAt: timestampFromMs(expiresAtMs) } } };
}
