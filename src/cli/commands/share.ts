import type { Command } from "commander";
import { resolve } from "node:path";
import { BerthError } from "../../contract/berth-error.ts";
import { type SharedFolder, SharedFolder_State } from "../../contract/gen/berth/v1/shared_folder_pb.js";
import { connectHost, type HostClients } from "../connection.ts";
import { allEnvironments, findEnvironment, nameOf } from "../environments.ts";
import { printJson, printTable, say } from "../output.ts";
import { jsonOption } from "./options.ts";

/** Where a dev container has them. */
const placeInContainer = "/mnt/host";

interface JsonOptions {
  readonly json?: true;
}

interface AddOptions extends JsonOptions {
  readonly as: string;
  readonly write?: true;
}

/** A shared folder with the name of its environment. */
interface Named {
  readonly folder: SharedFolder;
  readonly environment: string;
}

/** `berth share …`: folders of this computer that an environment sees live. */
export function registerShare(program: Command): void {
  const share = program
    .command("share")
    .description(
      `Let an environment see a folder of this computer in ${placeInContainer}, read-only unless said otherwise: add, list, remove`,
    );
  share
    .command("add")
    .argument("<name>", "name or id of an environment")
    .argument("<folder>", "folder on this computer")
    .description("Share a folder; it comes with the next start of the environment's machine")
    .option("--as <name>", `its name in ${placeInContainer}, instead of its own`, "")
    .option("--write", "what is in the environment may change and delete its files")
    .addOption(jsonOption())
    .action(add);
  share.command("list").alias("ls").description("List them").addOption(jsonOption()).action(list);
  share
    .command("remove")
    .alias("rm")
    .argument("<name>", "name or id of an environment")
    .argument("<folder>", `the folder on this computer, or its name in ${placeInContainer}`)
    .description("Share it no more; its files stay")
    .addOption(jsonOption())
    .action(remove);
}

async function add(name: string, folder: string, { as, write, json }: AddOptions): Promise<void> {
  const clients = await connectHost();
  const environment = await findEnvironment(clients, name);
  const { sharedFolder } = await clients.sharedFolders.addSharedFolder({
    environmentId: environment.id,
    localFolder: absolute(folder),
    name: as,
    writable: write ?? false,
  });
  if (sharedFolder === undefined) return;
  const named = { folder: sharedFolder, environment: nameOf(environment) };
  if (json) return printJson(factsOf(named));
  say(`${sharedFolder.localFolder} is ${placeInContainer}/${sharedFolder.name} in ${named.environment}, ${rightOf(sharedFolder)}.`);
  const advice = adviceOf(named);
  if (advice !== "") say(advice);
  say("Every environment on the same machine could get at it. One with a machine of its own shares it with no other.");
}

async function list({ json }: JsonOptions): Promise<void> {
  const all = await allShared(await connectHost());
  if (json) return all.forEach((named) => printJson(factsOf(named)));
  if (all.length === 0) return say("No folder is shared. Share one with: berth share add NAME FOLDER");
  printTable(
    [
      { title: "ENVIRONMENT", minWidth: 12 },
      { title: "FOLDER", minWidth: 10, cut: "start" },
      { title: "NAME" },
      { title: "RIGHT" },
      { title: "STATE" },
    ],
    all.map(({ folder, environment }) => [environment, folder.localFolder, folder.name, rightOf(folder), stateOf(folder)]),
  );
  for (const advice of new Set(all.map(adviceOf).filter((text) => text !== ""))) say(advice);
}

async function remove(name: string, folder: string, { json }: JsonOptions): Promise<void> {
  const clients = await connectHost();
  const environment = await findEnvironment(clients, name);
  const path = absolute(folder);
  const found = (await allShared(clients)).find(
    ({ folder: each }) => each.environmentId === environment.id && (each.name === folder || each.localFolder === path),
  );
  if (found === undefined) throw new BerthError("shared-folder-not-found", `${nameOf(environment)} has no '${folder}'`);
  await clients.sharedFolders.removeSharedFolder({ sharedFolderId: found.folder.sharedFolderId });
  if (json) return printJson({ id: found.folder.sharedFolderId, removed: true });
  say(`${found.folder.localFolder} is no longer shared with ${found.environment}. Its files stay.`);
  const left = (await allShared(clients)).find(({ folder: each }) => each.sharedFolderId === found.folder.sharedFolderId);
  if (left !== undefined) say(adviceOf(left));
}

async function allShared(clients: HostClients): Promise<Named[]> {
  const [{ sharedFolders }, environments] = await Promise.all([clients.sharedFolders.listSharedFolders({}), allEnvironments(clients)]);
  const names = new Map(environments.map((environment) => [environment.id, nameOf(environment)]));
  return sharedFolders.map((folder) => ({ folder, environment: names.get(folder.environmentId) ?? folder.environmentId }));
}

function absolute(folder: string): string {
  return resolve(process.env["BERTH_INVOKED_FROM"] ?? process.cwd(), folder);
}

function rightOf({ writable }: SharedFolder): string {
  return writable ? "writable" : "read-only";
}

function stateOf({ state, detail }: SharedFolder): string {
  const name = (SharedFolder_State[state] ?? "unknown").toLowerCase().replaceAll("_", "-");
  return detail === "" ? name : `${name}: ${detail}`;
}

/** What there is to do so that it is as it was asked for; nothing where it is. */
function adviceOf({ folder, environment }: Named): string {
  const restart = `berth machine restart --machine ${environment}`;
  switch (folder.state) {
    case SharedFolder_State.RESTART_NEEDED:
      return `It comes with the next start of the machine, which ends what runs on it: ${restart}`;
    case SharedFolder_State.REMOVED:
      return `Until its next start the machine could still get at ${folder.localFolder}: ${restart}`;
    default:
      return "";
  }
}

/** A shared folder in the JSON of the commands (docs/CLI.md). */
function factsOf({ folder, environment }: Named) {
  return {
    id: folder.sharedFolderId,
    environmentId: folder.environmentId,
    environment,
    folder: folder.localFolder,
    path: `${placeInContainer}/${folder.name}`,
    writable: folder.writable,
    state: (SharedFolder_State[folder.state] ?? "unknown").toLowerCase().replaceAll("_", "-"),
    detail: folder.detail,
  };
}
