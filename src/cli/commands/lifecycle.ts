import type { Command } from "commander";
import { BerthError } from "../../contract/berth-error.ts";
import { WaitingChange_Kind as Kind } from "../../contract/gen/berth/v1/context_pb.js";
import type { Environment } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { connectHost, type HostClients } from "../connection.ts";
import { quoteName } from "../create.ts";
import { describeWork, environmentRow, findEnvironment, nameOf, workNow } from "../environments.ts";
import { follow, isGone, isRunning, isStopped, type Wish } from "../follow.ts";
import type { EnvironmentView } from "../host-watch.ts";
import { interruptible } from "../interrupt.ts";
import { printJson, say } from "../output.ts";
import { contextOption } from "../remote.ts";
import { changeRemote } from "../remote-lifecycle.ts";
import { reportTrouble } from "../report.ts";
import { addWaitOptions, jsonOption, type WaitOptions } from "./options.ts";

const nameArgument = ["<name>", "name or id of an environment"] as const;

interface ContextOptions {
  readonly context?: string;
}

interface StartOptions extends WaitOptions, ContextOptions {}

interface RebuildOptions extends WaitOptions {
  readonly cache: boolean;
  readonly devcontainer?: string;
}

interface DeleteOptions extends WaitOptions, ContextOptions {
  readonly force?: true;
}

/** `berth start`, `stop`, `restart`, `rebuild`, `rename`, `delete`: what happens to an environment. */
export function registerLifecycle(program: Command): void {
  addWaitOptions(
    program
      .command("start")
      .argument(...nameArgument)
      .description("Start an environment")
      .addOption(contextOption())
      .addOption(jsonOption()),
    "return while it starts",
  ).action(start);
  addWaitOptions(
    program
      .command("stop")
      .argument(...nameArgument)
      .description("Stop an environment; its working copy stays, and what is being built is cancelled")
      .addOption(contextOption())
      .addOption(jsonOption()),
    "return while it stops",
  ).action(stop);
  program
    .command("restart")
    .argument(...nameArgument)
    .description("Stop an environment and start it again")
    .addOption(jsonOption())
    .action(restart);
  addWaitOptions(
    program
      .command("rebuild")
      .argument(...nameArgument)
      .description("Build the dev container anew from the configuration in the working copy, which stays")
      .option("--no-cache", "build every layer of the image anew")
      .option("--devcontainer <path>", "use this devcontainer.json from now on")
      .addOption(jsonOption()),
    "return while it is being rebuilt",
  ).action(rebuild);
  program
    .command("rename")
    .argument(...nameArgument)
    .argument("<new-name>", "its new name")
    .description("Give an environment another name; ssh knows it by the new one at once")
    .addOption(contextOption())
    .addOption(jsonOption())
    .action(rename);
  addWaitOptions(
    program
      .command("delete")
      .alias("rm")
      .argument(...nameArgument)
      .description("Delete an environment with its working copy, unless that holds work that was not pushed")
      .option("-f, --force", "delete it with all its changes")
      .addOption(contextOption())
      .addOption(jsonOption()),
    "return while it is being deleted",
  ).action(remove);
}

async function start(name: string, options: StartOptions): Promise<void> {
  if (options.context !== undefined) return changeRemote(name, options.context, { kind: Kind.START }, options);
  const clients = await connectHost();
  const environment = await findEnvironment(clients, name);
  const tell = async (): Promise<void> => void (await clients.environments.startEnvironment({ environmentId: environment.id }));
  const goesOn = `goes on starting. berth stop ${quoteName(nameOf(environment))} stops it.`;
  await bringUp({ clients, environment, options, tell, goesOn });
}

async function rebuild(name: string, options: RebuildOptions): Promise<void> {
  const clients = await connectHost();
  const environment = await findEnvironment(clients, name);
  const tell = async (): Promise<void> => {
    await clients.workspaces.rebuild({
      environmentId: environment.id,
      noCache: !options.cache,
      devcontainerFilePath: options.devcontainer ?? "",
    });
  };
  const goesOn = `goes on being rebuilt. berth stop ${quoteName(nameOf(environment))} ends that.`;
  await bringUp({ clients, environment, options, tell, goesOn });
}

async function stop(name: string, options: StartOptions): Promise<void> {
  if (options.context !== undefined) return changeRemote(name, options.context, { kind: Kind.STOP }, options);
  const clients = await connectHost();
  const environment = await findEnvironment(clients, name);
  await bringDown(clients, environment, options);
}

async function restart(name: string, options: { readonly json?: true }): Promise<void> {
  const clients = await connectHost();
  const environment = await findEnvironment(clients, name);
  const { id: environmentId } = environment;
  const shown = quoteName(nameOf(environment));
  await wait(clients, environment, stopWish(clients, environment), `goes on stopping. berth start ${shown} starts it again.`);
  const tell = async (): Promise<void> => void (await clients.environments.startEnvironment({ environmentId }));
  await bringUp({
    clients,
    environment,
    options: { ...options, wait: true },
    tell,
    goesOn: `goes on starting. berth stop ${shown} stops it.`,
  });
}

async function rename(name: string, newName: string, options: ContextOptions & { readonly json?: true }): Promise<void> {
  if (options.context !== undefined) return changeRemote(name, options.context, { kind: Kind.RENAME, newName }, { ...options, wait: true });
  const clients = await connectHost();
  const { id: environmentId } = await findEnvironment(clients, name);
  await clients.environments.updateEnvironment({ environmentId, metadata: { name: newName } });
  // The host answers when ssh knows the new name.
  const { hostAlias } = await clients.workspaces.getSshConfig({ environmentId });
  if (options.json) printJson({ id: environmentId, name: newName, sshCommand: `ssh ${hostAlias}` });
  else say(`It is ${newName} now: ssh ${hostAlias}`);
}

async function remove(name: string, options: DeleteOptions): Promise<void> {
  if (options.context !== undefined)
    return changeRemote(name, options.context, { kind: Kind.DELETE, force: options.force ?? false }, options);
  const clients = await connectHost();
  const environment = await findEnvironment(clients, name);
  const lost = options.force === true ? "" : describeWork(await workNow(clients, environment));
  if (lost !== "") throw new BerthError("uncommitted-work", `${nameOf(environment)} has ${lost}`);
  const tell = async (): Promise<string> => {
    await clients.environments.deleteEnvironment({ environmentId: environment.id, force: options.force ?? false });
    return environment.id;
  };
  if (options.wait) {
    const step = `Deleting ${nameOf(environment)}`;
    await wait(clients, environment, { tell, outcome: isGone, step }, "goes on being deleted.");
  } else await tell();
  if (options.json) printJson({ id: environment.id, name: nameOf(environment), deleted: options.wait });
}

async function bringUp({
  clients,
  environment: { id },
  environment,
  options,
  tell,
  goesOn,
}: {
  readonly clients: HostClients;
  readonly environment: Environment;
  readonly options: WaitOptions;
  readonly tell: () => Promise<void>;
  readonly goesOn: string;
}): Promise<void> {
  if (!options.wait) {
    await tell();
    return printNow(clients, id, options);
  }
  const wish = { tell: async () => (await tell(), id), outcome: isRunning };
  const view = await wait(clients, environment, wish, goesOn);
  if (options.json) printJson(environmentRow(view.environment, view.details));
  else say(`${nameOf(view.environment)} is running: ${view.details?.sshCommand ?? ""}`);
  process.exitCode = reportTrouble(view.environment);
}

async function bringDown(clients: HostClients, environment: Environment, options: WaitOptions): Promise<void> {
  const wish = stopWish(clients, environment);
  if (!options.wait) {
    await wish.tell();
    return printNow(clients, environment.id, options);
  }
  const view = await wait(clients, environment, wish, "goes on stopping.");
  if (options.json) printJson(environmentRow(view.environment, view.details));
}

function stopWish(clients: HostClients, environment: Environment): Wish<EnvironmentView> {
  return {
    tell: async () => {
      await clients.environments.stopEnvironment({ environmentId: environment.id });
      return environment.id;
    },
    outcome: isStopped,
    step: `Stopping ${nameOf(environment)}`,
  };
}

/** Waits for a wish; Ctrl-C ends the wait only, and says so. */
async function wait<T>(clients: HostClients, environment: Environment, wish: Wish<T>, goesOn: string): Promise<T> {
  return interruptible(async (signal) => {
    try {
      return await follow(clients, wish, signal);
    } catch (error) {
      if (signal.aborted) say(`${nameOf(environment)} ${goesOn}`);
      throw error;
    }
  });
}

async function printNow(clients: HostClients, environmentId: string, { json }: WaitOptions): Promise<void> {
  if (!json) return;
  const { environment } = await clients.environments.getEnvironment({ environmentId });
  const { details } = await clients.workspaces.getDetails({ environmentId });
  if (environment !== undefined) printJson(environmentRow(environment, details));
}
