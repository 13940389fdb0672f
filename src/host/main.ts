import { BerthError } from "../contract/berth-error.ts";
import { messageOf } from "../lib/log.ts";
import { createHost } from "./create-host.ts";

/** The exit code when another host serves this folder already. */
const hostRunningExitCode = 5;

createHost({ env: process.env, onEnd: () => process.exit(0) }).then(
  (host) => {
    // Machines live on: the next host adopts them.
    const end = (): void => void host.end();
    process.on("SIGTERM", end);
    process.on("SIGINT", end);
  },
  (error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exit(error instanceof BerthError && error.code === "host-running" ? hostRunningExitCode : 1);
  },
);
