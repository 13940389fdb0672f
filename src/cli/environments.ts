import { BerthError } from "../contract/berth-error.ts";
import type { EnvironmentDetails } from "../contract/gen/berth/v1/host_pb.js";
import { type Environment, EnvironmentPhase } from "../contract/gen/gitpod/v1/environment_pb.js";
import type { HostClients } from "./connection.ts";
import { asError } from "./report.ts";

const pageSize = 100;
const pollMs = 300;

export async function allEnvironments({ environments }: HostClients): Promise<Environment[]> {
  const all: Environment[] = [];
  let token = "";
  do {
    const page = await environments.listEnvironments({ pagination: { pageSize, token } });
    all.push(...page.environments);
    token = page.pagination?.nextToken ?? "";
  } while (token !== "");
  return all;
}

/** An environment by its name or id. */
export async function findEnvironment(clients: HostClients, nameOrId: string): Promise<Environment> {
  const found = (await allEnvironments(clients)).find(
    (e) => e.id === nameOrId || e.metadata?.name.toLowerCase() === nameOrId.toLowerCase().replace(/\.berth$/, ""),
  );
  if (found === undefined) throw new BerthError("environment-not-found", `'${nameOrId}'`);
  return found;
}

export function phaseName(environment: Environment): string {
  return (EnvironmentPhase[environment.status?.phase ?? 0] ?? "unknown").toLowerCase();
}

/** Waits until an environment runs, telling each step on stderr. Fails with what kept it from running. */
export async function waitForRunning(
  clients: HostClients,
  id: string,
  say: (text: string) => void,
): Promise<{ environment: Environment; details: EnvironmentDetails | undefined }> {
  const told = new Set<string>();
  for (;;) {
    const { environment } = await clients.environments.getEnvironment({ environmentId: id });
    const { details } = await clients.workspaces.getDetails({ environmentId: id });
    if (environment === undefined) throw new BerthError("environment-not-found", id);
    for (const step of details?.steps ?? []) {
      const key = `${step.name}${step.startedAt?.seconds}`;
      if (!told.has(key)) say(step.name);
      told.add(key);
    }
    const phase = environment.status?.phase;
    if (phase === EnvironmentPhase.RUNNING) return { environment, details };
    const failure = environment.status?.failureMessage[0];
    if (phase === EnvironmentPhase.STOPPED && failure !== undefined) throw asError(failure);
    await new Promise<void>((resolve) => setTimeout(resolve, pollMs));
  }
}

/** The link that opens an environment in an editor, by the editor's short name. Fails with `editor-unknown`. */
export async function editorUrl({ editors }: HostClients, environment: Environment, alias: string): Promise<string> {
  const editor = (await editors.listEditors({})).editors.find((e) => e.alias === alias);
  if (editor === undefined) throw new BerthError("editor-unknown", `'${alias}'`);
  return (
    await editors.resolveEditorURL({
      editorId: editor.id,
      environmentId: environment.id,
      organizationId: environment.metadata?.organizationId ?? "",
    })
  ).url;
}
