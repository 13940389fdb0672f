import { type Command, Option } from "commander";
import { connectHost } from "../connection.ts";
import { createAndWait, describeReady, readSource, wishEnvironment } from "../create.ts";
import { findEnvironment, nameOf } from "../environments.ts";
import { interruptible } from "../interrupt.ts";
import { print, printJson } from "../output.ts";
import { reportTrouble } from "../report.ts";
import { addWaitOptions, jsonOption, type WaitOptions } from "./options.ts";

interface CreateCommandOptions extends WaitOptions {
  readonly name?: string;
  readonly devcontainer?: string;
  readonly class: "shared" | "dedicated";
}

/** `berth create`. */
export function registerCreate(program: Command): void {
  const command = program
    .command("create")
    .argument("<source>", "a git address, a page of a repository (branch, tag, commit, pull request) or a folder")
    .description("Make an environment of a repository or of a folder with its uncommitted changes")
    .option("--name <name>", "what to call it (without it: as the repository or folder)")
    .option("--devcontainer <path>", "the devcontainer.json to use when there are several")
    .addOption(
      new Option("--class <class>", "on the machine that environments share, or on one of its own")
        .choices(["shared", "dedicated"])
        .default("shared"),
    )
    .addOption(jsonOption());
  addWaitOptions(command, "print its name and return while it is being made").action(
    async (given: string, options: CreateCommandOptions) => {
      process.exitCode = await interruptible(async (signal) => create(given, options, signal));
    },
  );
}

async function create(given: string, options: CreateCommandOptions, signal: AbortSignal): Promise<number> {
  const begunAtMs = performance.now();
  const source = await readSource(given);
  const clients = await connectHost({ signal });
  const wanted = {
    name: options.name ?? "",
    devcontainer: options.devcontainer ?? "",
    dedicated: options.class === "dedicated",
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
