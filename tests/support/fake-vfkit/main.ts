import { writeFileSync } from "node:fs";
import { waitUntil } from "../../../src/lib/wait-until.ts";
import { parseCommandLine } from "./command-line.ts";
import { Guest } from "./guest.ts";
import { Machine } from "./machine.ts";
import { serveRest } from "./rest.ts";
import { exposeVsock } from "./vsock.ts";

/**
 * Stands for vfkit 0.6.4 where there is no macOS: the same flags, REST service, states, sockets and ends, with the
 * guest on QEMU. What it cannot stand for it refuses. The ADR on vfkit (docs/adr) says how it is kept honest.
 */
const version = "v0.6.4";
/** vfkit asks the guest on SIGTERM and SIGINT, and pulls the plug after this. */
const signalGraceMs = 5000;
const pollMs = 20;

function log(level: "info" | "warning" | "error", message: string): void {
  process.stderr.write(`time="${new Date().toISOString()}" level=${level} msg=${JSON.stringify(message)}\n`);
}

async function main(): Promise<void> {
  const config = parseCommandLine(process.argv.slice(2));
  if (config === "version") return void process.stdout.write(`vfkit version: ${version}\n`);
  if (config.pidFile !== undefined) writeFileSync(config.pidFile, String(process.pid), { mode: 0o600 });
  const machine = new Machine(new Guest(config));
  const closeRest = config.restSocket === undefined ? () => undefined : await serveRest(config.restSocket, config, machine);
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.on(signal, () => {
      log("info", `captured ${signal}, calling exit handlers and exiting..`);
      void machine.change("Stop").catch(() => undefined);
      void waitUntil(() => machine.state === "Stopped", { intervalMs: pollMs, signal: AbortSignal.timeout(signalGraceMs) }).then(
        async (stopped) => (stopped ? undefined : machine.change("HardStop")),
      );
    });
  try {
    await machine.start();
    log("info", "virtual machine is running");
    // vfkit makes these only now: until then nobody listens.
    for (const port of machine.vsockPorts) exposeVsock(port, (message) => log("warning", message));
    log("info", "waiting for VM to stop");
    await machine.ended;
    log("info", "VM is stopped");
  } finally {
    machine.removeFiles();
    closeRest();
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`Error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
