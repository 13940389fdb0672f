import { Argument, type Command } from "commander";
import { complete } from "../complete.ts";
import { completionScripts } from "../completion-scripts.ts";
import { findHost, type HostClients } from "../connection.ts";
import { allEnvironments, nameOf } from "../environments.ts";
import { print } from "../output.ts";
import { contextCommands } from "./context.ts";
import { localClasses } from "./create.ts";
import { editorNames } from "./open.ts";
import { syncCommands } from "./sync.ts";

/** A person waits for the answer with a finger on the key. */
const namesTimeoutMs = 500;
const shells = ["bash", "zsh", "fish"] as const;

/** `berth completion`, and what its scripts call. */
export function registerCompletion(program: Command): void {
  program
    .command("completion")
    .addArgument(new Argument("<shell>", "whose script").choices(shells))
    .description("Print a script that completes commands, options and names in your shell")
    .addHelpText(
      "after",
      `
To have it in every shell:
  bash  echo 'source <(berth completion bash)' >> ~/.bashrc
  zsh   echo 'source <(berth completion zsh)' >> ~/.zshrc
  fish  berth completion fish > ~/.config/fish/completions/berth.fish`,
    )
    .action((shell: (typeof shells)[number]) => void process.stdout.write(completionScripts[shell]));
  program
    .command("__complete [words...]", { hidden: true })
    .description("Candidates for the last word, one a line with its description after a tab; ':files' stands for file names")
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (words: readonly string[]) => {
      const values = {
        "completion shell": shells,
        "open --editor": editorNames,
        "create source": "files",
        "create --class": localClasses,
        "reset --confirm": "environments",
        "--machine": "environments",
        "--context": "contexts",
        ...Object.fromEntries(contextCommands.map((name) => [`${name} context`, "contexts" as const])),
        "start folder": "files",
        "add folder": "files",
        ...Object.fromEntries(syncCommands.map((name) => [`${name} sync`, "environments" as const])),
      } as const;
      const completion = await complete(program, words[0] === "--" ? words.slice(1) : words, { environmentNames, contextNames, values });
      if (completion.kind === "files") print(":files");
      else for (const { value, description } of completion.candidates) print(description === "" ? value : `${value}\t${description}`);
    });
}

async function environmentNames(): Promise<readonly string[]> {
  return namesOf(async (clients) => (await allEnvironments(clients)).map(nameOf));
}

async function contextNames(): Promise<readonly string[]> {
  return namesOf(async ({ contexts }) => (await contexts.listContexts({})).contexts.map(({ name }) => name));
}

/** The names that a running host knows; completion never starts one. */
async function namesOf(ask: (clients: HostClients) => Promise<readonly string[]>): Promise<readonly string[]> {
  const clients = await findHost();
  if (clients === undefined) return [];
  const late = new Promise<readonly string[]>((resolve) => setTimeout(() => resolve([]), namesTimeoutMs).unref());
  return Promise.race([late, ask(clients)]);
}
