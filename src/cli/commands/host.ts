import type { Command } from "commander";
import { readdir } from "node:fs/promises";
import { berthPaths } from "../../lib/paths.ts";
import { connectHost, findHost } from "../connection.ts";
import { print, printJson, say } from "../output.ts";
import { stderrProgress } from "../progress.ts";
import { jsonOption } from "./options.ts";

interface StopOptions {
  readonly keepMachines?: boolean;
  readonly json?: true;
}

/** `berth host …`: the background process that does the work. */
export function registerHost(program: Command): void {
  const host = program.command("host").description("The background process that does the work: stop, pid");
  host
    .command("stop")
    .description("End it and shut the machine down; environments that ran start again with the next host")
    .option("--keep-machines", "let the machine run on, for the next host to find")
    .addOption(jsonOption())
    .action(stop);
  host
    .command("pid")
    .description("Print its process id, starting it when it does not run")
    .addOption(jsonOption())
    .action(async ({ json }: { readonly json?: true }) => {
      const { pid } = await (await connectHost()).host.getHost({});
      if (json) printJson({ pid });
      else print(String(pid));
    });
}

async function stop({ keepMachines = false, json }: StopOptions): Promise<void> {
  const running = await findHost();
  // Machines live on without a host; only a host can shut them down.
  const clients = running ?? (!keepMachines && (await hasMachines()) ? await connectHost() : undefined);
  if (clients === undefined) say("Berth is not running.");
  else {
    const progress = stderrProgress();
    const step = keepMachines ? "Ending Berth" : "Putting the machine to rest and ending Berth";
    progress.begin(step, step);
    try {
      await clients.host.stopHost({ keepMachines });
      progress.close("done");
    } finally {
      progress.close();
    }
  }
  if (json) printJson({ stopped: running !== undefined });
}

/** Whether there are machines on this computer, running or not. */
export async function hasMachines(): Promise<boolean> {
  const entries = await readdir(berthPaths(process.env).machines, { withFileTypes: true }).catch(() => []);
  return entries.some((entry) => entry.isDirectory());
}
