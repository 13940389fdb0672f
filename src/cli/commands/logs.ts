import type { Command } from "commander";
import { connectHost } from "../connection.ts";
import { findEnvironment } from "../environments.ts";
import { interruptible } from "../interrupt.ts";
import { printJson } from "../output.ts";
import { LineSplitter } from "../line-splitter.ts";
import { jsonOption } from "./options.ts";

interface LogsOptions {
  readonly follow?: boolean;
  readonly json?: true;
}

/** `berth logs`. */
export function registerLogs(program: Command): void {
  program
    .command("logs")
    .argument("<name>", "name or id of an environment")
    .description("Print what cloning and building said")
    .option("-f, --follow", "go on until nothing is being built any more")
    .addOption(jsonOption())
    .action(async (name: string, options: LogsOptions) => interruptible(async (signal) => logs(name, options, signal)));
}

async function logs(name: string, { follow = false, json }: LogsOptions, signal: AbortSignal): Promise<void> {
  const clients = await connectHost({ signal });
  const { id: environmentId } = await findEnvironment(clients, name);
  const lines = new LineSplitter();
  for await (const { data } of clients.workspaces.watchLog({ environmentId, follow }, { signal })) {
    if (json) for (const text of lines.push(data)) printJson({ text });
    else if (!process.stdout.write(data)) await new Promise<void>((resolve) => process.stdout.once("drain", resolve));
  }
  if (json) for (const text of lines.end()) printJson({ text });
}
