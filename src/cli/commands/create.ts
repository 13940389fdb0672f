import type { Command } from "commander";
import { BerthError } from "../../contract/berth-error.ts";
import { connectHost } from "../connection.ts";
import { createAndWait, describeReady, readSource, wishEnvironment } from "../create.ts";
import { findEnvironment, nameOf } from "../environments.ts";
import { interruptible } from "../interrupt.ts";
import { print, printJson } from "../output.ts";
import { contextOption } from "../remote.ts";
import { createRemote } from "../remote-create.ts";
import { reportTrouble } from "../report.ts";
import { addWaitOptions, jsonOption, type WaitOptions } from "./options.ts";

/** Those of this computer. */
export const localClasses = ["shared", "dedicated"] as const;

interface CreateCommandOptions extends WaitOptions {
  readonly name?: string;
  readonly devcontainer?: string;
  readonly class?: string;
  readonly context?: string;
  readonly project?: string;
}

/** `berth create`. */
export function registerCreate(program: Command): void {
  const command = program
    .command("create")
    .argument("<source>", "a git address, a page of a repository (branch, tag, commit, pull request) or a folder")
    .description("Make an environment of a repository or of a folder with its uncommitted changes")
    .option("--name <name>", "what to call it (without it: as the repository or folder)")
    .option("--devcontainer <path>", "the devcontainer.json to use when there are several")
    .option(
      "--class <class>",
      "shared, the machine that environments share, or dedicated, one of its own; with --context, a class of the plane",
    )
    .addOption(contextOption())
    .option("--project <id>", "with --context: of a project of the plane")
    .addOption(jsonOption());
  addWaitOptions(command, "print its name and return while it is being made").action(
    async (given: string, options: CreateCommandOptions) => {
      const { context } = options;
      process.exitCode = await interruptible(async (signal) =>
        context === undefined ? create(given, options, signal) : createRemote(given, { ...options, context }, signal),
      );
    },
  );
}

async function create(given: string, options: CreateCommandOptions, signal: AbortSignal): Promise<number> {
  const begunAtMs = performance.now();
  const machineClass = options.class ?? "shared";
  if (!localClasses.some((known) => known === machineClass))
    throw new BerthError("argument-invalid", `--class is ${localClasses.join(" or ")} on this computer`);
  if (options.project !== undefined) throw new BerthError("argument-invalid", "projects are at a plane: name it with --context");
  const source = await readSource(given);
  const clients = await connectHost({ signal });
  const wanted = {
    name: options.name ?? "",
    devcontainer: options.devcontainer ?? "",
    dedicated: machineClass === "dedicated",
    reuse: false,
  };
  if (!options.wait) {
    const { id } = await wishEnvironment(clients, source, wanted);
    const name = nameOf(await findEnvironment(clients, id));
    if (options.json) printJson({ id, name });
    else print(name);
    return 0;
  }
  const ready = await createAndWait(clients, source, wanted, signal);
  if (options.json) printJson(ready.created);
  else print(describeReady(ready, performance.now() - begunAtMs));
  return reportTrouble(ready.environment);
}
