import type { Command } from "commander";
import { BerthError } from "../../contract/berth-error.ts";
import { follow, isGone } from "../follow.ts";
import { interruptible } from "../interrupt.ts";
import { printJson } from "../output.ts";
import { jsonOption } from "./options.ts";
import { findRunner } from "./runner-status.ts";

interface DeleteOptions {
  readonly force?: true;
  readonly json?: true;
}

/** `berth runner delete`. */
export function registerRunnerDelete(runner: Command): void {
  runner
    .command("delete")
    .argument("<name>", "name or id of an environment that the plane does not know any more")
    .description("Delete what the plane forgot with its working copy, unless that holds work that was not pushed, or it cannot be known")
    .option("-f, --force", "delete it with all its changes")
    .addOption(jsonOption())
    .action(async (name: string, options: DeleteOptions) => interruptible(async (signal) => deleteOrphan(name, options, signal)));
}

async function deleteOrphan(nameOrId: string, { force, json }: DeleteOptions, signal: AbortSignal): Promise<void> {
  const clients = await findRunner();
  const { environments } = await clients.runner.getRunnerHost({});
  const named = environments.filter((one) => one.id === nameOrId || one.name.toLowerCase() === nameOrId.toLowerCase());
  // One that the plane has now may bear the name of one that it forgot.
  const found = named.find(({ isOrphan }) => isOrphan) ?? named[0];
  if (found === undefined) throw new BerthError("environment-not-found", `'${nameOrId}'`);
  const { id, name } = found;
  const tell = async (): Promise<string> => {
    await clients.runner.deleteOrphan({ environmentId: id, force: force ?? false }, { signal });
    return id;
  };
  await follow(clients, { tell, outcome: isGone, step: `Deleting ${name}` }, signal);
  if (json) printJson({ id, name, deleted: true });
}
