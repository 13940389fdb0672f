import { connect, createServer, type Socket } from "node:net";
import type { VsockPort } from "./guest.ts";

/**
 * Listens as vfkit does with `connect`: every connection goes to the guest's port, and one whose other end is gone is
 * closed. A virtio port takes one connection where vsock takes many: a new one ends the one before.
 */
export function exposeVsock({ port, socketPath, portSocket }: VsockPort, warn: (message: string) => void): void {
  let last: Socket | undefined;
  const server = createServer((host) => {
    last?.destroy();
    last = host;
    const guest = connect(portSocket);
    host.pipe(guest);
    guest.pipe(host);
    host.on("error", () => undefined);
    guest.on("error", () => undefined);
    host.once("close", () => guest.destroy());
    guest.once("close", () => host.destroy());
  });
  server.on("error", (error) => warn(`error exposing vsock port ${port}: ${error.message}`));
  server.listen(socketPath);
}
