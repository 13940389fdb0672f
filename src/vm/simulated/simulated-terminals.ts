import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import type { TerminalService } from "../../contract/gen/berth/v1/terminal_pb.js";
import { terminalCalls } from "../../lib/terminals/terminal-calls.ts";
import { Terminals } from "../../lib/terminals/terminals.ts";
import type { SimulatedDisk } from "./simulated-disk.ts";
import type { SimulatedJobs } from "./simulated-jobs.ts";
import { SimulatedShell } from "./simulated-shell.ts";

/** Of a process that its container's end killed. */
const killedCode = 137;

/** berth.v1.TerminalService of a simulated machine: the real terminals, with a simulated shell in each. */
export function simulatedTerminals(disk: SimulatedDisk, jobs: SimulatedJobs, ended: AbortSignal): ServiceImpl<typeof TerminalService> {
  const shells = new Map<SimulatedShell, string>();
  const isRunning = (environmentId: string): boolean => disk.content.environments[environmentId]?.container === "running";
  void endWithContainers(shells, isRunning, jobs, ended);
  const terminals = new Terminals({
    now: () => Date.now(),
    start: async (request, events) => {
      const environment = disk.content.environments[request.environmentId];
      if (environment?.container !== "running") throw new ConnectError("the container is not running", Code.FailedPrecondition);
      const place = { user: "vscode", host: environment.directoryName, folder: `/workspaces/${environment.directoryName}` };
      const shell: SimulatedShell = new SimulatedShell(request, place, {
        onOutput: events.onOutput,
        onExit: (code) => {
          // The constructor may end already, before there is a shell to forget.
          queueMicrotask(() => shells.delete(shell));
          events.onExit(code);
        },
      });
      shells.set(shell, request.environmentId);
      return shell;
    },
  });
  return terminalCalls(terminals);
}

async function endWithContainers(
  shells: Map<SimulatedShell, string>,
  isRunning: (environmentId: string) => boolean,
  jobs: SimulatedJobs,
  ended: AbortSignal,
): Promise<void> {
  while (!ended.aborted) {
    await jobs.nextChange(ended);
    for (const [shell, environmentId] of shells) if (!isRunning(environmentId)) shell.end(killedCode);
  }
}
