import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { BerthError } from "../contract/berth-error.ts";
import { fromConnectError } from "../contract/connect-error.ts";
import type { ErrorCode } from "../contract/error-catalogue.ts";
import { ActionableErrorDetailsSchema } from "../contract/gen/gitpod/v1/actionable_error_pb.js";
import { messageOf } from "../lib/log.ts";
import { withoutControls } from "../lib/terminals/osc-scanner.ts";

const callTimeoutMs = 15_000;
/** As much as a plane sends at once. */
const maxAnswerBytes = 4 * 1024 * 1024;
const maxDetailLength = 1000;

/** How a person's calls get to a plane's API. They bring their token themselves. */
export function planeTransport(planeUrl: URL): Transport {
  return createConnectTransport({
    baseUrl: planeUrl.origin,
    httpVersion: "1.1",
    defaultTimeoutMs: callTimeoutMs,
    readMaxBytes: maxAnswerBytes,
  });
}

/** What a plane says about a request; whatever else comes, even from something between here and it, is no answer of it. */
const answers: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.NotFound,
  Code.AlreadyExists,
  Code.PermissionDenied,
  Code.FailedPrecondition,
]);

/** What a plane says when it cannot answer at all just now. */
const passing: ReadonlySet<ErrorCode> = new Set(["store-unavailable", "rate-limited", "internal"]);

/**
 * What a failed call to a plane means: `sign-in-required` when it does not take the token, `plane-unreachable` when it is
 * away, broken or too busy, else what it said, with its code where the catalogue has it.
 */
export function planeCallFailure(error: unknown): BerthError {
  const inner = error instanceof ConnectError && error.cause instanceof BerthError ? error.cause : error;
  if (inner instanceof BerthError) return inner;
  const connectError = ConnectError.from(inner);
  if (connectError.code === Code.Unauthenticated)
    return new BerthError("sign-in-required", "the plane does not take the token", { cause: error });
  const { code, detail } = fromConnectError(connectError);
  const isSaid = connectError.findDetails(ActionableErrorDetailsSchema).length > 0 && !passing.has(code);
  if (!isSaid && !answers.has(connectError.code)) return new BerthError("plane-unreachable", messageOf(inner), { cause: error });
  // Whoever may name things at a plane must not write to this computer's terminals.
  const said = withoutControls(code === "internal" ? connectError.rawMessage : detail).slice(0, maxDetailLength);
  return new BerthError(code === "internal" ? "not-allowed" : code, said, { cause: error });
}
