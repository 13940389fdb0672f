import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { BerthError } from "../contract/berth-error.ts";
import { parseContextUrl } from "../contract/context-url.ts";
import { hasOwnMachine } from "../contract/environment-class.ts";
import type { EnvironmentDetails, ForwardedPort } from "../contract/gen/berth/v1/host_pb.js";
import { type Environment, EnvironmentPhase } from "../contract/gen/gitpod/v1/environment_pb.js";
import type { HostClients } from "./connection.ts";
import { allEnvironments, editorUrl, findEnvironment, nameOf } from "./environments.ts";
import { follow, isRunning } from "./follow.ts";
import { formatDuration, formatPairs } from "./format.ts";
import { HostWatch } from "./host-watch.ts";
import { say } from "./output.ts";
import { FailureWithAdvice } from "./report.ts";

/** A port of the configuration opens a moment after the container; its URL is worth a short wait. */
const portWaitMs = 15_000;

export interface CreateOptions {
  /** Empty for one after the source. */
  readonly name: string;
  /** Empty when there is only one. */
  readonly devcontainer: string;
  /** On a machine of its own. */
  readonly dedicated: boolean;
  /** Takes the environment that was made of this source before. */
  readonly reuse: boolean;
}

/** What one needs to use an environment; the JSON of `create` and `npm start`. */
export interface Created {
  readonly id: string;
  readonly name: string;
  readonly sshCommand: string;
  readonly editorUrl: string;
  readonly urls: readonly string[];
}

export interface Ready {
  readonly created: Created;
  readonly environment: Environment;
  readonly ports: readonly ForwardedPort[];
}

/** Where an environment is made from, as it is written in its record. Fails with `url-invalid` before the host is asked anything. */
export async function readSource(source: string): Promise<{ readonly folder: string } | { readonly url: string }> {
  const folder = resolve(process.env["BERTH_INVOKED_FROM"] ?? process.cwd(), source);
  if (!source.includes("://") && ((await stat(folder).catch(() => undefined))?.isDirectory() ?? false)) return { folder };
  parseContextUrl(source);
  return { url: source };
}

type Source = Awaited<ReturnType<typeof readSource>>;

/** Records the wish for a new environment, or for the one made of the same source before, and gives its id. */
export async function wishEnvironment(
  clients: HostClients,
  source: Source,
  { name, devcontainer, dedicated, reuse }: CreateOptions,
): Promise<{ readonly id: string; readonly isNew: boolean }> {
  const contextUrl = "folder" in source ? `berth-folder:${source.folder}` : source.url;
  const existing = reuse ? await findMadeOf(clients, contextUrl) : undefined;
  if (existing !== undefined) {
    await clients.environments.startEnvironment({ environmentId: existing.id });
    return { id: existing.id, isNew: false };
  }
  const classId = dedicated ? await dedicatedClassId(clients) : "";
  if ("folder" in source) {
    const { environmentId } = await clients.workspaces.createFromFolder({
      folder: source.folder,
      name,
      devcontainerFilePath: devcontainer,
      classId,
    });
    return { id: environmentId, isNew: true };
  }
  const { environment } = await clients.environments.createEnvironment({
    ...(name === "" ? {} : { name }),
    spec: {
      desiredPhase: EnvironmentPhase.RUNNING,
      machine: { class: classId },
      devcontainer: { devcontainerFilePath: devcontainer },
      content: { initializer: { specs: [{ spec: { case: "contextUrl", value: { url: contextUrl } } }] } },
    },
  });
  return { id: environment?.id ?? "", isNew: true };
}

/**
 * Makes an environment and waits until it can be used. Ctrl-C stops what was begun anew, and only the wait for what
 * was there before.
 */
export async function createAndWait(clients: HostClients, source: Source, options: CreateOptions, signal: AbortSignal): Promise<Ready> {
  let wished: { readonly id: string; readonly isNew: boolean } | undefined;
  const tell = async (): Promise<string> => {
    wished = await wishEnvironment(clients, source, options);
    return wished.id;
  };
  try {
    const { environment } = await follow(clients, { tell, outcome: isRunning }, signal);
    return await whenPortsAnswer(clients, environment, signal);
  } catch (error) {
    if (wished === undefined) throw error;
    const name = await findEnvironment(clients, wished.id).then(nameOf, () => undefined);
    if (name === undefined) throw error;
    if (!signal.aborted) throw new FailureWithAdvice(error, adviceOnFailure(name));
    if (wished.isNew) await clients.environments.stopEnvironment({ environmentId: wished.id });
    say(adviceOnInterrupt(name, wished.isNew));
    throw error;
  }
}

/** What a person needs to use it, aligned. */
export function describeReady({ created, ports }: Ready, durationMs: number): string {
  const urls = ports.filter((p) => p.url !== "").map((p) => ["port", [p.url, p.label || p.processName].join("  ").trimEnd()] as const);
  return [
    `${created.name} is running after ${formatDuration(durationMs)}.`,
    "",
    ...formatPairs([["shell", created.sshCommand], ["editor", created.editorUrl], ...urls]).map((line) => `  ${line}`),
  ].join("\n");
}

/** The class of environments that have a machine of their own. */
async function dedicatedClassId({ environments }: HostClients): Promise<string> {
  const found = (await environments.listEnvironmentClasses({})).environmentClasses.find(hasOwnMachine);
  if (found === undefined) throw new BerthError("not-supported", "environments with a machine of their own");
  return found.id;
}

async function findMadeOf(clients: HostClients, contextUrl: string): Promise<Environment | undefined> {
  return (await allEnvironments(clients)).find(
    (e) => e.metadata?.originalContextUrl === contextUrl && e.spec?.desiredPhase !== EnvironmentPhase.DELETED,
  );
}

async function whenPortsAnswer(clients: HostClients, environment: Environment, signal: AbortSignal): Promise<Ready> {
  // The host answers when ssh's files are written.
  const { warning } = await clients.workspaces.getSshConfig({ environmentId: environment.id }, { signal });
  if (warning !== "") say(`Warning: ssh does not find it by its name: ${warning}`);
  const url = await editorUrl(clients, environment, "vscode");
  const details = await waitForPorts(clients, environment.id, signal);
  const ports = details?.ports ?? [];
  const created: Created = {
    id: environment.id,
    name: nameOf(environment),
    sshCommand: details?.sshCommand ?? "",
    editorUrl: url,
    urls: ports.filter((p) => p.hostPort !== 0).map((p) => p.url),
  };
  return { created, environment, ports };
}

async function waitForPorts(clients: HostClients, environmentId: string, signal: AbortSignal): Promise<EnvironmentDetails | undefined> {
  const { details } = await clients.workspaces.getDetails({ environmentId }, { signal });
  if (details === undefined || details.ports.every((p) => p.listening)) return details;
  const late = AbortSignal.timeout(portWaitMs);
  let last: EnvironmentDetails = details;
  try {
    const watch = await HostWatch.open(clients, AbortSignal.any([signal, late]));
    return await watch
      .until(({ environments }) => {
        last = environments.get(environmentId)?.details ?? last;
        return last.ports.every((p) => p.listening) ? last : undefined;
      })
      .finally(() => watch.close());
  } catch (error) {
    if (!late.aborted || signal.aborted) throw error;
    return last;
  }
}

function adviceOnFailure(name: string): string {
  return `${name} was kept: berth start ${quoteName(name)} tries again, berth delete ${quoteName(name)} removes it.`;
}

function adviceOnInterrupt(name: string, isNew: boolean): string {
  const typed = quoteName(name);
  return isNew
    ? `Cancelled: ${name} is being stopped. berth start ${typed} goes on with it, berth delete ${typed} removes it.`
    : `${name} goes on starting. berth stop ${typed} stops it.`;
}

/** A name as it is typed in a shell. */
export function quoteName(name: string): string {
  return /^[A-Za-z0-9._-]+$/.test(name) ? name : `'${name}'`;
}
