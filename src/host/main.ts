import { BerthError } from "../contract/berth-error.ts";
import { messageOf } from "../lib/log.ts";
import { appKeychain } from "./app-keychain.ts";
import { createHost, type Host } from "./create-host.ts";

/** The exit code when another host serves this folder already. */
const hostRunningExitCode = 5;

async function start(): Promise<Host> {
  const keychain = await appKeychain();
  return createHost({ env: process.env, ...(keychain === undefined ? {} : { keychain }), onEnd: () => process.exit(0) });
}

start().then(
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
