import { type Command, Option } from "commander";
import { join } from "node:path";
import { BerthError } from "../../contract/berth-error.ts";
import { runnerHome, runnerUnit } from "../../lib/runner-messages.ts";
import { findHost } from "../connection.ts";
import { quoteName } from "../create.ts";
import { allEnvironments, certainWorkNow, describeWork, nameOf, type Work } from "../environments.ts";
import { interruptible } from "../interrupt.ts";
import { printJson, say } from "../output.ts";
import { askRunnerProgram, tellReport } from "../runner-program.ts";
import { hasMachines } from "./host.ts";
import { jsonOption } from "./options.ts";

/** Instead of a name, where the runner cannot be asked. */
const unknownWork = "unknown";

/** `berth runner uninstall`. */
export function registerRunnerUninstall(runner: Command): void {
  runner
    .command("uninstall")
    .description("Take the service away; refuses while environments have work that was not pushed, and keeps all data unless told")
    .option("--delete-data", "delete all environments, machines and records too")
    .option(
      "--confirm <name>",
      "the work of this environment may be lost; may be repeated",
      (name: string, names: string[]) => [...names, name],
      [],
    )
    .addOption(new Option("--root <folder>", "another root of the file system, e.g. an image's").default("/").hideHelp())
    .addOption(jsonOption())
    .action(async (options: UninstallOptions) => interruptible(async (signal) => uninstall(options, signal)));
}

interface UninstallOptions {
  readonly root: string;
  readonly deleteData?: boolean;
  readonly confirm: readonly string[];
  readonly json?: true;
}

async function uninstall({ root, deleteData = false, confirm, json }: UninstallOptions, signal: AbortSignal): Promise<void> {
  process.env["BERTH_HOME"] ??= join(root, runnerHome);
  await restWithoutLoss(confirm, signal);
  await askRunnerProgram({ command: "uninstall", root, deleteData }, (report) => tellReport(report, json), signal);
  if (json) printJson({ removed: true, dataDeleted: deleteData });
  else say(deleteData ? "The runner was removed with its data." : `The runner was removed. Its data is in ${runnerHome}.`);
}

/** Puts the runner's machines to rest. Fails with `runner-has-work` while work would be out of reach that nobody gave up. */
async function restWithoutLoss(confirm: readonly string[], signal: AbortSignal): Promise<void> {
  const clients = await findHost();
  if (clients === undefined) {
    if (!(await hasMachines()) || confirm.includes(unknownWork)) return;
    throw new BerthError(
      "runner-has-work",
      `the runner does not run, so it cannot be asked. Start it: systemctl start ${runnerUnit}; or: --confirm ${unknownWork}`,
    );
  }
  const withWork = (
    await Promise.all(
      (await allEnvironments(clients)).map(async (environment) => ({
        name: nameOf(environment),
        work: textOf(await certainWorkNow(clients, environment)),
      })),
    )
  ).filter(({ name, work }) => work !== "" && !confirm.includes(name));
  if (withWork.length > 0)
    throw new BerthError(
      "runner-has-work",
      `${withWork.map(({ name, work }) => `${name} has ${work}`).join("; ")}. If it may be lost: ${withWork.map(({ name }) => `--confirm ${quoteName(name)}`).join(" ")}`,
    );
  await clients.host.stopHost({ keepMachines: false }, { signal });
}

function textOf(work: Work | undefined): string {
  return work === undefined ? "changes that cannot be known while its machine is off" : describeWork(work);
}
