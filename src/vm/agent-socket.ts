import { connect, type Socket } from "node:net";
import { BerthError } from "../contract/berth-error.ts";
import { messageOf } from "../lib/log.ts";

/** Connects to the host's end of a machine's link; fails with `machine-unreachable`. */
export async function connectAgentSocket(path: string, signal: AbortSignal): Promise<Socket> {
  const socket = connect(path);
  const onAbort = (): void => void socket.destroy(new Error("aborted"));
  signal.addEventListener("abort", onAbort);
  try {
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  } catch (error) {
    throw new BerthError("machine-unreachable", messageOf(error), { cause: error });
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
  socket.on("error", () => undefined);
  return socket;
}
