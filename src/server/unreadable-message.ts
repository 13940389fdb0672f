import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";

/** How Connect begins what it says of a message of protobuf that it cannot read. */
const unreadable = "parse binary: ";

/** Connect calls a message that it cannot read a fault of the server, in an error that was not sent yet: it is the client's mistake. */
export function blameClient(error: unknown): void {
  if (error instanceof ConnectError && error.code === Code.Internal && error.rawMessage.startsWith(unreadable))
    Object.assign(error, { code: Code.InvalidArgument });
}

/** Does so in a call that Connect answers: it aborts the call's signal with the error before it writes it down. */
export function blameClientOf({ signal }: Pick<HandlerContext, "signal">): void {
  signal.addEventListener("abort", () => blameClient(signal.reason), { once: true });
}
