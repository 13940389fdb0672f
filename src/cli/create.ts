import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { parseContextUrl } from "../contract/context-url.ts";
import { type Environment, EnvironmentPhase } from "../contract/gen/gitpod/v1/environment_pb.js";
import type { HostClients } from "./connection.ts";
import { allEnvironments, editorUrl, waitForRunning } from "./environments.ts";

const portWaitMs = 15_000;
const pollMs = 300;

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
}

/** Makes an environment of a folder or an address and gives its id. `reuse` takes the one made of it before. */
export async function createEnvironment(
  clients: HostClients,
  source: string,
  options: { readonly name: string; readonly devcontainer: string; readonly reuse: boolean },
): Promise<string> {
  const folder = resolve(process.env["BERTH_INVOKED_FROM"] ?? process.cwd(), source);
  const isFolder = !source.includes("://") && ((await stat(folder).catch(() => undefined))?.isDirectory() ?? false);
  // What cannot be an address is told here, before anything is asked of the host.
  if (!isFolder) parseContextUrl(source);
  const contextUrl = isFolder ? `berth-folder:${folder}` : source;
  const existing = options.reuse
    ? (await allEnvironments(clients)).find(
        (e) => e.metadata?.originalContextUrl === contextUrl && e.spec?.desiredPhase !== EnvironmentPhase.DELETED,
      )
    : undefined;
  if (existing !== undefined) {
    await clients.environments.startEnvironment({ environmentId: existing.id });
    return existing.id;
  }
  if (isFolder)
    return (await clients.workspaces.createFromFolder({ folder, name: options.name, devcontainerFilePath: options.devcontainer }))
      .environmentId;
  const { environment } = await clients.environments.createEnvironment({
    ...(options.name === "" ? {} : { name: options.name }),
    spec: {
      desiredPhase: EnvironmentPhase.RUNNING,
      devcontainer: { devcontainerFilePath: options.devcontainer },
      content: { initializer: { specs: [{ spec: { case: "contextUrl", value: { url: contextUrl } } }] } },
    },
  });
  return environment?.id ?? "";
}

/** Waits until it runs and gives what one needs to use it. */
export async function whenReady(clients: HostClients, id: string, say: (text: string) => void): Promise<Ready> {
  const { environment } = await waitForRunning(clients, id, say);
  await clients.workspaces.getSshConfig({ environmentId: id });
  const wanted = await waitForPorts(clients, id);
  const url = await editorUrl(clients, environment, "vscode");
  const created = { id, name: environment.metadata?.name ?? "", sshCommand: wanted.sshCommand, editorUrl: url, urls: wanted.urls };
  return { created, environment };
}

/** A port of the configuration opens a moment after the container; its URL is worth a short wait. */
async function waitForPorts(clients: HostClients, id: string): Promise<{ sshCommand: string; urls: string[] }> {
  const deadline = performance.now() + portWaitMs;
  for (;;) {
    const { details } = await clients.workspaces.getDetails({ environmentId: id });
    const ports = details?.ports ?? [];
    const silent = ports.filter((p) => !p.listening);
    if (silent.length === 0 || performance.now() > deadline)
      return { sshCommand: details?.sshCommand ?? "", urls: ports.filter((p) => p.hostPort !== 0).map((p) => p.url) };
    await new Promise<void>((done) => setTimeout(done, pollMs));
  }
}
