import { randomUUID } from "node:crypto";
import { BerthError } from "../contract/berth-error.ts";
import type { RemoteEnvironmentClass } from "../contract/gen/berth/v1/context_pb.js";
import { connectHost, type HostClients } from "./connection.ts";
import { findContext } from "./contexts.ts";
import { quoteName, readSource } from "./create.ts";
import { followRemote } from "./follow-remote.ts";
import { print, printJson, say } from "./output.ts";
import { remoteRow } from "./remote.ts";
import { FailureWithAdvice, reportMessages } from "./report.ts";

export interface RemoteCreateOptions {
  readonly context: string;
  readonly name?: string;
  readonly devcontainer?: string;
  readonly class?: string;
  readonly project?: string;
  readonly wait: boolean;
  readonly json?: true;
}

/** `create --context`: makes an environment at a plane and waits until it runs. Ctrl-C ends the wait only. */
export async function createRemote(source: string, options: RemoteCreateOptions, signal: AbortSignal): Promise<number> {
  const given = await readSource(source);
  if ("folder" in given)
    throw new BerthError("argument-invalid", "a plane makes environments of repositories, not of folders of this computer");
  const clients = await connectHost({ signal });
  const { contextId, name: contextName } = await findContext(clients, options.context);
  const classId = await classIdOf(clients, contextId, options.class, signal);
  const { environment } = await clients.contexts.createRemoteEnvironment(
    {
      ...{ contextId, creationId: randomUUID(), url: given.url, classId, name: options.name ?? "" },
      ...{ projectId: options.project ?? "", devcontainerFilePath: options.devcontainer ?? "" },
    },
    { signal },
  );
  if (environment === undefined) throw new BerthError("environment-not-found", "the plane did not say which it made");
  const { environmentId, name, specVersion } = environment;
  if (!options.wait) {
    if (options.json) printJson({ id: environmentId, name, context: contextName });
    else print(name);
    return 0;
  }
  try {
    const wish = { contextId, contextName, environmentId, specVersion, goal: "running" as const };
    const now = (await followRemote(clients, wish, signal))?.environment ?? environment;
    if (options.json) printJson({ ...remoteRow(now), context: contextName });
    else print(`${now.name} is running at ${contextName}.`);
    return reportMessages(now.warnings, now.failures);
  } catch (error) {
    const at = `${quoteName(name)} --context ${contextName}`;
    if (signal.aborted) say(`${name} goes on being made. berth stop ${at} stops it.`);
    else throw new FailureWithAdvice(error, `${name} was kept: berth start ${at} tries again, berth delete ${at} removes it.`);
    throw error;
  }
}

/** By its name, in any case, or id. Fails with `resource-not-found`, which tells of those that there are. */
async function classIdOf(clients: HostClients, contextId: string, wanted: string | undefined, signal: AbortSignal): Promise<string> {
  if (wanted === undefined) return "";
  const { classes } = await clients.contexts.listRemoteEnvironmentClasses({ contextId }, { signal });
  const isWanted = ({ classId, name }: RemoteEnvironmentClass): boolean =>
    classId === wanted || name.toLowerCase() === wanted.toLowerCase();
  const [found, another] = classes.filter(isWanted);
  if (found === undefined)
    throw new BerthError("resource-not-found", `class '${wanted}'; there are ${classes.map(({ name }) => name).join(", ") || "none"}`);
  if (another !== undefined)
    throw new BerthError("argument-invalid", `several classes are called '${wanted}': name ${found.classId} or ${another.classId}`);
  return found.classId;
}
