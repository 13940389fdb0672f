import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { BerthError } from "./berth-error.ts";
import { type ErrorCode, errorCatalogue, errorEntry } from "./error-catalogue.ts";
import { ActionableErrorDetailsSchema } from "./gen/gitpod/v1/actionable_error_pb.js";

const connectCodes = {
  invalid_argument: Code.InvalidArgument,
  not_found: Code.NotFound,
  already_exists: Code.AlreadyExists,
  permission_denied: Code.PermissionDenied,
  unauthenticated: Code.Unauthenticated,
  failed_precondition: Code.FailedPrecondition,
  resource_exhausted: Code.ResourceExhausted,
  unavailable: Code.Unavailable,
  deadline_exceeded: Code.DeadlineExceeded,
  canceled: Code.Canceled,
  aborted: Code.Aborted,
  unimplemented: Code.Unimplemented,
  internal: Code.Internal,
} as const;

/** A failure as it travels: the code's Connect code, the case's fact, and the catalogue's code as a detail. */
export function toConnectError(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  if (!(error instanceof BerthError)) return ConnectError.from(error, Code.Internal);
  const entry = errorCatalogue[error.code];
  const details = create(ActionableErrorDetailsSchema, {
    errorCode: error.code,
    userMessage: `${entry.title}: ${error.detail}`,
    metadata: { detail: error.detail },
  });
  return new ConnectError(
    `${entry.title}: ${error.detail}`,
    connectCodes[entry.connectCode],
    undefined,
    [{ desc: ActionableErrorDetailsSchema, value: details }],
    error,
  );
}

/** What came over a connection as one of ours again; a failure of the connection itself stays what it is. */
export function fromConnectError(error: unknown): BerthError {
  if (error instanceof BerthError) return error;
  const connectError = ConnectError.from(error);
  const [details] = connectError.findDetails(ActionableErrorDetailsSchema);
  if (details !== undefined && isErrorCode(details.errorCode))
    return new BerthError(details.errorCode, details.metadata["detail"] ?? details.userMessage, { cause: error });
  const byCode: Partial<Record<Code, ErrorCode>> = {
    [Code.Canceled]: "canceled",
    [Code.Unavailable]: "machine-unreachable",
    [Code.DeadlineExceeded]: "timeout",
    [Code.InvalidArgument]: "argument-invalid",
  };
  return new BerthError(byCode[connectError.code] ?? "internal", connectError.rawMessage, { cause: error });
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code) && errorEntry(code) !== undefined;
}
