import { timestampDate } from "@bufbuild/protobuf/wkt";
import { Context_State, type RemoteEnvironment } from "../../contract/gen/berth/v1/context_pb.js";
import { connectHost } from "../connection.ts";
import { findContext } from "../contexts.ts";
import { phaseName } from "../environments.ts";
import { shortSource } from "../format.ts";
import { printJson, printTable, say } from "../output.ts";

/** `berth list --context`: the environments of a plane, or what is known of them while it is away. */
export async function listRemote(wanted: string, json: true | undefined, signal: AbortSignal): Promise<void> {
  const clients = await connectHost({ signal });
  const { contextId, name } = await findContext(clients, wanted);
  const { environments, context, truncated, knownAt } = await clients.contexts.listRemoteEnvironments({ contextId }, { signal });
  const offline = context?.state === Context_State.OFFLINE;
  const known = knownAt === undefined ? "" : timestampDate(knownAt).toISOString();
  if (offline) say(`${name} is offline (${context.detail}). This is what it said at ${known}:`);
  else if (context !== undefined && context.detail !== "") say(`${name}: ${context.detail}`);
  const rows = environments.map(remoteRow);
  if (json) return rows.forEach((row) => printJson({ ...row, context: name, offline, knownAt: known }));
  if (rows.length === 0) return say(`There are no environments at ${name}.`);
  printTable(
    [
      { title: "NAME", minWidth: 12 },
      { title: "PHASE" },
      { title: "BRANCH", minWidth: 8 },
      { title: "CHANGED" },
      { title: "UNPUSHED" },
      { title: "SOURCE", minWidth: 10, cut: "start" },
    ],
    rows.map((row) => [row.name, row.phase, row.branch, String(row.changed), String(row.unpushed), shortSource(row.source)]),
  );
  if (truncated) say("There are more; these are the first.");
}

/** A remote environment in the JSON of `list --context` (docs/CLI.md). */
function remoteRow({ environmentId, name, phase, branch, changedFiles, unpushedCommits, source, runnerId }: RemoteEnvironment) {
  return {
    id: environmentId,
    name,
    phase: phaseName(phase),
    branch,
    changed: changedFiles,
    unpushed: unpushedCommits,
    source,
    runner: runnerId,
  };
}
