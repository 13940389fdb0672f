import { ConnectError } from "@connectrpc/connect";
import { BerthError } from "../contract/berth-error.ts";
import { fromConnectError } from "../contract/connect-error.ts";
import { ActionableErrorDetailsSchema } from "../contract/gen/gitpod/v1/actionable_error_pb.js";

/** What a failed call to a gateway means: what it said, or `gateway-unreachable` when it said nothing. */
export function gatewayFailure(error: unknown): BerthError {
  if (error instanceof BerthError) return error;
  const connectError = ConnectError.from(error);
  if (connectError.findDetails(ActionableErrorDetailsSchema).length > 0) return fromConnectError(error);
  return new BerthError("gateway-unreachable", connectError.rawMessage, { cause: error });
}
