import { type Command, Option } from "commander";
import { BerthError } from "../../contract/berth-error.ts";
import { EnvironmentPhase } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { connectHost } from "../connection.ts";
import { editorUrl, findEnvironment, nameOf, phaseName } from "../environments.ts";
import { openLink } from "../editor-link.ts";
import { print, printJson, say } from "../output.ts";
import { jsonOption } from "./options.ts";

/** Short names as EditorService has them. */
export const editorNames = ["vscode", "vscode-insiders", "cursor", "windsurf", "zed", "jetbrains"] as const;

interface OpenOptions {
  readonly editor: string;
  readonly print?: true;
  readonly json?: true;
}

/** `berth open`. */
export function registerOpen(program: Command): void {
  program
    .command("open")
    .argument("<name>", "name or id of an environment")
    .description("Open an environment in an editor on this computer")
    .addOption(new Option("-e, --editor <editor>", `one of ${editorNames.join(", ")}`).default("vscode"))
    .option("--print", "print the editor's link and open nothing")
    .addOption(jsonOption())
    .action(open);
}

async function open(name: string, options: OpenOptions): Promise<void> {
  const clients = await connectHost();
  const environment = await findEnvironment(clients, name);
  const url = await editorUrl(clients, environment, options.editor);
  const { warning } = await clients.workspaces.getSshConfig({ environmentId: environment.id });
  if (warning !== "") say(`Warning: editors do not find it by its name: ${warning}`);
  const result = { name: nameOf(environment), editor: options.editor, url };
  if (options.print) return options.json ? printJson({ ...result, opened: false }) : print(url);
  const phase = environment.status?.phase;
  if (phase !== EnvironmentPhase.RUNNING) throw new BerthError("environment-not-running", `${result.name} is ${phaseName(phase)}`);
  const failure = await openLink(url, { env: process.env, platform: process.platform });
  if (failure !== undefined) say(`Nothing was opened: ${failure}. This is the link:`);
  if (options.json) printJson({ ...result, opened: failure === undefined });
  else if (failure !== undefined) print(url);
  else say(`Opening ${result.name} in ${options.editor}`);
}
