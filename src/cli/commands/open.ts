import { type Command, Option } from "commander";
import { BerthError } from "../../contract/berth-error.ts";
import { EnvironmentPhase } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { connectHost, type HostClients } from "../connection.ts";
import { editorUrl, findEnvironment, nameOf, phaseName } from "../environments.ts";
import { openLink } from "../editor-link.ts";
import { print, printJson, say } from "../output.ts";
import { findRemoteEnvironment } from "../remote-environments.ts";
import { jsonOption } from "./options.ts";

/** Short names as EditorService has them. */
export const editorNames = ["vscode", "vscode-insiders", "cursor", "windsurf", "zed", "jetbrains"] as const;

interface OpenOptions {
  readonly context?: string;
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
    .option("--context <context>", "an environment of a plane, instead of this computer's")
    .option("--print", "print the editor's link and open nothing")
    .addOption(jsonOption())
    .action(open);
}

async function open(name: string, options: OpenOptions): Promise<void> {
  const clients = await connectHost();
  const { url, warning, phase, ...result } = await (options.context === undefined
    ? findOwn(clients, name, options)
    : findRemote(clients, name, options.context, options));
  if (warning !== "") say(`Warning: editors do not find it by its name: ${warning}`);
  if (options.print) return options.json ? printJson({ ...result, url, opened: false }) : print(url);
  if (phase !== EnvironmentPhase.RUNNING) throw new BerthError("environment-not-running", `${result.name} is ${phaseName(phase)}`);
  const failure = await openLink(url, { env: process.env, platform: process.platform });
  if (failure !== undefined) say(`Nothing was opened: ${failure}. This is the link:`);
  if (options.json) printJson({ ...result, url, opened: failure === undefined });
  else if (failure !== undefined) print(url);
  else say(`Opening ${result.name} in ${options.editor}`);
}

interface Openable {
  readonly name: string;
  readonly editor: string;
  readonly url: string;
  /** Why editors do not find it by its name; empty when they do. */
  readonly warning: string;
  readonly phase: EnvironmentPhase | undefined;
}

async function findOwn(clients: HostClients, name: string, { editor }: OpenOptions): Promise<Openable> {
  const environment = await findEnvironment(clients, name);
  const url = await editorUrl(clients, environment, editor);
  const { warning } = await clients.workspaces.getSshConfig({ environmentId: environment.id });
  return { name: nameOf(environment), editor, url, warning, phase: environment.status?.phase };
}

async function findRemote(
  clients: HostClients,
  name: string,
  contextName: string,
  { editor, print: isPrinted }: OpenOptions,
): Promise<Openable> {
  const { context, environment } = await findRemoteEnvironment(clients, contextName, name);
  const reference = { contextId: context.contextId, environmentId: environment.environmentId };
  const { url, warning } = await clients.remoteAccess.resolveRemoteEditorURL({ environment: reference, editor });
  // What is in the way is told here rather than by the editor.
  if (isPrinted !== true) await clients.remoteAccess.prepareRemoteSsh({ environment: reference });
  return { name: environment.name, editor, url, warning, phase: environment.phase };
}
