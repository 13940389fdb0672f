import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { BerthError } from "../../contract/berth-error.ts";
import { fromConnectError } from "../../contract/connect-error.ts";
import { type DroppedChange, DroppedChange_Reason, type WaitingChange } from "../../contract/gen/berth/v1/context_pb.js";
import { connectHost, type HostClients } from "../connection.ts";
import { findContext } from "../contexts.ts";
import { interruptible } from "../interrupt.ts";
import { printJson, printTable, say } from "../output.ts";
import { describeChange, sayChanges, sayOffline, waitingRow } from "../remote.ts";
import { jsonOption } from "./options.ts";

interface ChangesOptions {
  readonly clear?: true;
  readonly json?: true;
}

/** `berth context classes`, `changes`, `take-back`: what a plane offers, and what it was not told. */
export function registerContextWork(context: Command): void {
  context
    .command("classes")
    .argument("[context]", "its name; not needed when there is one")
    .description("List the classes that environments can be made of there")
    .addOption(jsonOption())
    .action(async (wanted: string | undefined, { json }: { readonly json?: true }) =>
      interruptible(async (signal) => classes(wanted, json, signal)),
    );
  context
    .command("changes")
    .argument("[context]", "its name; not needed when there is one")
    .description("List the changes that wait for the plane, and those that were not carried out")
    .option("--clear", "forget those that were not carried out")
    .addOption(jsonOption())
    .action(async (wanted: string | undefined, options: ChangesOptions) =>
      interruptible(async (signal) => changes(wanted, options, signal)),
    );
  context
    .command("take-back")
    .argument("<change>", "id of a change that waits")
    .description("Take back a change that the plane has not been told")
    .addOption(jsonOption())
    .action(takeBack);
}

async function classes(wanted: string | undefined, json: true | undefined, signal: AbortSignal): Promise<void> {
  const clients = await connectHost({ signal });
  const { contextId, name } = await findContext(clients, wanted);
  const found = (await clients.contexts.listRemoteEnvironmentClasses({ contextId }, { signal })).classes;
  if (json)
    return found.forEach(({ classId, name: className, description, runnerId }) =>
      printJson({ id: classId, name: className, description, runner: runnerId }),
    );
  if (found.length === 0) return say(`There are no classes at ${name}: no runner offers any to you.`);
  printTable(
    [{ title: "NAME", minWidth: 8 }, { title: "DESCRIPTION", minWidth: 10 }, { title: "ID" }],
    found.map((each) => [each.name, each.description, each.classId]),
  );
}

async function changes(wanted: string | undefined, { clear, json }: ChangesOptions, signal: AbortSignal): Promise<void> {
  const clients = await connectHost({ signal });
  const { contextId, name } = await findContext(clients, wanted);
  const list = await clients.contexts.listRemoteEnvironments({ contextId }, { signal });
  const { waiting, dropped } = list;
  if (json) {
    for (const change of waiting) printJson({ ...waitingRow(change), state: change.needsConfirmation ? "asks" : "waiting" });
    for (const drop of dropped) printJson(droppedRow(drop));
  } else {
    sayOffline(list);
    if (waiting.length + dropped.length === 0) say(`Nothing waits for ${name}.`);
    sayChanges(list);
  }
  if (!clear || dropped.length === 0) return;
  await clients.contexts.forgetDroppedChanges({ contextId, changeIds: dropped.flatMap(({ change }) => change?.changeId ?? []) });
}

function droppedRow({ change, reason, errorCode, detail, droppedAt }: DroppedChange) {
  return {
    ...(change === undefined ? {} : waitingRow(change)),
    state: "dropped",
    reason: (DroppedChange_Reason[reason] ?? "unknown").toLowerCase().replace("_", "-"),
    code: errorCode,
    detail,
    droppedAt: droppedAt === undefined ? "" : timestampDate(droppedAt).toISOString(),
  };
}

async function takeBack(changeId: string, { json }: { readonly json?: true }): Promise<void> {
  const clients = await connectHost();
  for (const { contextId, waitingChanges } of (await clients.contexts.listContexts({})).contexts) {
    if (waitingChanges === 0) continue;
    const change = await takeBackAt(clients, contextId, changeId);
    if (change === undefined) continue;
    if (json) printJson({ id: changeId, takenBack: true });
    else say(`Taken back: the ${describeChange(change)}.`);
    return;
  }
  throw new BerthError("change-not-found", `'${changeId}'`);
}

/** Undefined when it waits for another plane. */
async function takeBackAt({ contexts }: HostClients, contextId: string, changeId: string): Promise<WaitingChange | undefined> {
  try {
    return (await contexts.takeBackChange({ contextId, changeId })).change;
  } catch (error) {
    if (fromConnectError(error).code === "change-not-found") return undefined;
    throw error;
  }
}
