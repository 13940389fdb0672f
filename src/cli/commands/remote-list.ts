import { timestampDate } from "@bufbuild/protobuf/wkt";
import { Context_State } from "../../contract/gen/berth/v1/context_pb.js";
import { RunnerPhase } from "../../contract/gen/gitpod/v1/runner_pb.js";
import { fromConnectError } from "../../contract/connect-error.ts";
import { connectHost, type HostClients } from "../connection.ts";
import { findContext } from "../contexts.ts";
import { describeWork, phaseName } from "../environments.ts";
import { formatPairs, shortSource } from "../format.ts";
import { print, printJson, printTable, say } from "../output.ts";
import { findRemote, type FoundRemote, kindName, remoteRow, sayChanges, sayOffline } from "../remote.ts";

/** `berth list --context`: the environments of a plane, or what is known of them while it is away. */
export async function listRemote(wanted: string, json: true | undefined, signal: AbortSignal): Promise<void> {
  const clients = await connectHost({ signal });
  const { contextId, name } = await findContext(clients, wanted);
  const list = await clients.contexts.listRemoteEnvironments({ contextId }, { signal });
  const { environments, context, truncated, knownAt, waiting } = list;
  const offline = context?.state === Context_State.OFFLINE;
  const known = knownAt === undefined ? "" : timestampDate(knownAt).toISOString();
  sayOffline(list);
  const rows = environments.map((environment) => ({
    ...remoteRow(environment),
    waiting: waitingKinds(environment.environmentId, waiting),
  }));
  if (json) {
    rows.forEach((row) => printJson({ ...row, context: name, offline, knownAt: known }));
    return;
  }
  if (rows.length === 0) say(`There are no environments at ${name}.`);
  else
    printTable(
      [
        { title: "NAME", minWidth: 12 },
        { title: "PHASE" },
        { title: "WAITING" },
        { title: "BRANCH", minWidth: 8 },
        { title: "CHANGED" },
        { title: "UNPUSHED" },
        { title: "SOURCE", minWidth: 10, cut: "start" },
      ],
      rows.map((row) => [
        ...[row.name, row.phase, row.waiting.join(",") || "-", row.branch],
        ...[String(row.changed), String(row.unpushed), shortSource(row.source)],
      ]),
    );
  if (truncated) say("There are more; these are the first.");
  sayChanges(list);
}

function waitingKinds(id: string, waiting: FoundRemote["list"]["waiting"]): string[] {
  return waiting.filter(({ environmentId }) => environmentId === id).map(({ kind }) => kindName(kind));
}

/** `berth show --context`: everything about one, as it was said last while the plane is away. */
export async function showRemote(name: string, contextName: string, json: true | undefined, signal: AbortSignal): Promise<void> {
  const clients = await connectHost({ signal });
  const found = await findRemote(clients, contextName, name, signal);
  const { facts, offline } = await factsOf(clients, found, signal);
  const known = found.list.knownAt === undefined ? "" : timestampDate(found.list.knownAt).toISOString();
  if (json) return printJson({ ...facts, context: found.context.name, offline, knownAt: known });
  if (offline) sayOffline(found.list);
  const wanted = facts.desired === facts.phase ? "" : ` (${facts.desired} is wanted)`;
  const runner = [facts.runnerName || facts.runner, facts.runnerConnected ? "" : "not connected"].filter((text) => text !== "").join(", ");
  const lines = formatPairs([
    ["name", facts.name],
    ["id", facts.id],
    ["context", found.context.name],
    ["phase", `${facts.phase}${wanted}`],
    ["waiting", facts.waiting.join(", ")],
    ["source", shortSource(facts.source)],
    ["branch", facts.branch],
    ["work", describeWork(facts.workUnknown ? undefined : facts) || "nothing that is not pushed"],
    ["class", facts.className || facts.class],
    ["runner", runner],
    ...facts.failure.map((text) => ["failure", text] as const),
    ...facts.warning.map((text) => ["warning", text] as const),
    ["created", facts.createdAt],
    ["started", facts.startedAt],
  ]);
  for (const line of lines) print(line);
}

async function factsOf(clients: HostClients, { context, environment, list }: FoundRemote, signal: AbortSignal) {
  const { environmentId } = environment;
  const { contextId } = context;
  const details = await clients.contexts.getRemoteEnvironment({ contextId, environmentId }, { signal }).then(
    (answer) => answer.details,
    (error: unknown) => {
      // What it said last is worth showing.
      if (fromConnectError(error).code === "plane-unreachable") return undefined;
      throw error;
    },
  );
  const now = details?.environment ?? environment;
  const facts = {
    ...remoteRow(now),
    phase: phaseName(now.phase),
    workUnknown: now.workUnknown,
    waiting: waitingKinds(environmentId, list.waiting),
    className: details?.className ?? "",
    runnerName: details?.runnerName ?? "",
    runnerConnected: details?.runnerPhase !== RunnerPhase.INACTIVE,
    project: details?.projectId ?? "",
    createdAt: details?.createdAt === undefined ? "" : timestampDate(details.createdAt).toISOString(),
    startedAt: details?.lastStartedAt === undefined ? "" : timestampDate(details.lastStartedAt).toISOString(),
  };
  return { facts, offline: details === undefined };
}
