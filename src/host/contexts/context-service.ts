import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import type { ContextService, SignInRequest, SignInResponseSchema } from "../../contract/gen/berth/v1/context_pb.js";
import { AsyncQueue } from "../../lib/async-queue.ts";
import type { Contexts } from "./contexts.ts";
import { planeMethod } from "./plane-methods.ts";
import type { SignInMethod, SignInStep } from "./remote-context.ts";

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
    removeContext: async ({ contextId }) => contexts.remove(contextId),
    async *signIn(request, { signal }) {
      const context = contexts.get(request.contextId);
      const method = methodOf(request.method);
      const steps = new AsyncQueue<SignInStep>(maxQueuedSteps);
      const signedIn = context.signIn(method, (step) => void steps.push(step), signal).finally(() => steps.end());
      signedIn.catch(() => undefined);
      for await (const step of steps) yield stepMessage(step);
      yield { progress: { case: "signedIn", value: await signedIn } };
    },
    signOut: async ({ contextId }) => contexts.get(contextId).signOut(),
    listRemoteEnvironments: async ({ contextId, polling }, { signal }) => contexts.get(contextId).environments({ polling }, signal),
    callPlane: async ({ contextId, method, message }, { signal }) => ({
      message: await contexts.get(contextId).callPlane(planeMethod(method), message, signal),
    }),
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

function stepMessage(step: SignInStep): MessageInitShape<typeof SignInResponseSchema> {
  if (step.kind === "browser") return { progress: { case: "browserUrl", value: step.url } };
  const { userCode, verificationUrl, expiresAtMs } = step;
  return { progress: { case: "deviceCode", value: { userCode, verificationUrl, expiresAt: timestampFromMs(expiresAtMs) } } };
}
