import { timestampDate } from "@bufbuild/protobuf/wkt";
import { Argument, type Command } from "commander";
import { resolve } from "node:path";
import { BerthError } from "../../contract/berth-error.ts";
import { fromConnectError } from "../../contract/connect-error.ts";
import { type Sync, Sync_State } from "../../contract/gen/berth/v1/sync_pb.js";
import { connectHost, type HostClients } from "../connection.ts";
import { allEnvironments, findEnvironment, nameOf } from "../environments.ts";
import { formatBytes, formatPairs } from "../format.ts";
import { interruptible } from "../interrupt.ts";
import { print, printJson, printTable, say } from "../output.ts";
import { addWaitOptions, jsonOption, type WaitOptions } from "./options.ts";

/** Those that take the name of a sync. */
export const syncCommands = ["status", "now", "conflicts", "resume", "stop"] as const;

/** Nothing goes on without a person, as with other things that are refused. */
const haltedExitCode = 4;

interface JsonOptions {
  readonly json?: true;
}

interface StartOptions extends WaitOptions {
  readonly path: string;
  readonly ignore: readonly string[];
}

interface ResumeOptions extends JsonOptions {
  readonly acceptDeletes?: true;
  readonly acceptConflicts?: true;
}

/** A sync with the name of its environment, which is its id when that is gone. */
interface Named {
  readonly sync: Sync;
  readonly environment: string;
}

/** `berth sync …`: folders of this computer that are the same as in an environment. */
export function registerSync(program: Command): void {
  const sync = program
    .command("sync")
    .description("Keep a folder of this computer and one of an environment the same: start, list, status, now, conflicts, resume, stop");
  addWaitOptions(
    sync
      .command("start")
      .argument("<name>", "name or id of an environment")
      .argument("<folder>", "folder on this computer; made when it is not there")
      .description("Begin, with what either side has")
      .option("--path <path>", "a folder in the working copy, instead of all of it", "")
      .option(
        "--ignore <pattern>",
        "what to leave out: a name, or a path with a slash, with *, ** and ?; repeat it for more",
        (value: string, all: readonly string[]) => [...all, value],
        [] as readonly string[],
      )
      .addOption(jsonOption()),
    "return while the first look goes on",
  ).action(start);
  const named = (name: (typeof syncCommands)[number], description: string, { required }: { readonly required: boolean }): Command =>
    sync
      .command(name)
      .addArgument(new Argument(required ? "<sync>" : "[sync]", "name of its environment, its folder here, or its id"))
      .description(description)
      .addOption(jsonOption());
  sync.command("list").alias("ls").description("List them").addOption(jsonOption()).action(list);
  named("status", "Show how it stands, with conflicts and what is not synced", { required: false }).action(status);
  named("now", "Look at both sides now, and wake a suspended machine for it", { required: false }).action(syncNow);
  named("conflicts", "List what both sides changed, and where the other version is", { required: false }).action(conflicts);
  named("resume", "Go on after it was halted", { required: true })
    .option("--accept-deletes", "carry out the deletions it was halted at")
    .option("--accept-conflicts", "keep both versions of all the files it was halted at")
    .action(resume);
  named("stop", "End it; both folders stay as they are", { required: true }).action(stop);
}

async function start(name: string, folder: string, { path, ignore, wait, json }: StartOptions): Promise<void> {
  const clients = await connectHost();
  const environment = await findEnvironment(clients, name);
  const localFolder = resolve(process.env["BERTH_INVOKED_FROM"] ?? process.cwd(), folder);
  const { sync } = await clients.syncs.startSync({ environmentId: environment.id, localFolder, path, ignorePatterns: [...ignore] });
  if (sync === undefined) return;
  const begun = { sync, environment: nameOf(environment) };
  report(wait ? await lookNow(clients, begun) : begun, json);
}

async function list({ json }: JsonOptions): Promise<void> {
  const all = await allSyncs(await connectHost());
  if (json) return all.forEach((named) => printJson(factsOf(named)));
  if (all.length === 0) return say("Nothing is synced. Begin with: berth sync start NAME FOLDER");
  printTable(
    [
      { title: "ENVIRONMENT", minWidth: 12 },
      { title: "FOLDER", minWidth: 10, cut: "start" },
      { title: "STATE" },
      { title: "FILES" },
      { title: "CONFLICTS" },
    ],
    all.map(({ sync, environment }) => [
      sync.path === "" ? environment : `${environment}:${sync.path}`,
      sync.localFolder,
      stateOf(sync),
      String(sync.files),
      String(sync.totalConflicts),
    ]),
  );
}

async function status(wanted: string | undefined, { json }: JsonOptions): Promise<void> {
  for (const named of await chosen(await connectHost(), wanted)) report(named, json);
}

async function syncNow(wanted: string | undefined, { json }: JsonOptions): Promise<void> {
  const clients = await connectHost();
  for (const named of await chosen(clients, wanted)) report(await lookNow(clients, named), json);
}

async function conflicts(wanted: string | undefined, { json }: JsonOptions): Promise<void> {
  const rows = (await chosen(await connectHost(), wanted)).flatMap(({ sync, environment }) =>
    sync.conflicts.map(({ path, keptAs }) => ({ id: sync.syncId, environment, path, keptAs })),
  );
  if (json) return rows.forEach(printJson);
  if (rows.length === 0) return say("There are no conflicts.");
  printTable(
    [
      { title: "ENVIRONMENT", minWidth: 12 },
      { title: "ITS VERSION", minWidth: 10, cut: "start" },
      { title: "THIS COMPUTER'S", minWidth: 10, cut: "start" },
    ],
    rows.map(({ environment, path, keptAs }) => [environment, path, keptAs]),
  );
  say("A conflict is over when this computer's version is removed, on either side.");
}

async function resume(wanted: string, { acceptDeletes, acceptConflicts, json }: ResumeOptions): Promise<void> {
  const clients = await connectHost();
  const [named] = await chosen(clients, wanted);
  if (named === undefined) return;
  await clients.syncs.resumeSync({
    syncId: named.sync.syncId,
    acceptDeletes: acceptDeletes ?? false,
    acceptConflicts: acceptConflicts ?? false,
  });
  report(await lookNow(clients, named), json);
}

async function stop(wanted: string, { json }: JsonOptions): Promise<void> {
  const clients = await connectHost();
  const [named] = await chosen(clients, wanted);
  if (named === undefined) return;
  await clients.syncs.stopSync({ syncId: named.sync.syncId });
  if (json) printJson({ id: named.sync.syncId, stopped: true });
  else say(`${named.sync.localFolder} and ${named.environment} are no longer synced. Both stay as they are.`);
}

/** A look at both sides; as it stands when the machine is off, which is begun when it runs. */
async function lookNow({ syncs }: HostClients, named: Named): Promise<Named> {
  try {
    return await interruptible(async (signal) => ({
      ...named,
      sync: (await syncs.syncNow({ syncId: named.sync.syncId }, { signal })).sync ?? named.sync,
    }));
  } catch (error) {
    if (fromConnectError(error).code !== "machine-unreachable") throw error;
    say("The machine does not run. It is synced when it does: berth machine start");
    return named;
  }
}

async function allSyncs(clients: HostClients): Promise<Named[]> {
  const [{ syncs }, environments] = await Promise.all([clients.syncs.listSyncs({}), allEnvironments(clients)]);
  const names = new Map(environments.map((environment) => [environment.id, nameOf(environment)]));
  return syncs.map((sync) => ({ sync, environment: names.get(sync.environmentId) ?? sync.environmentId }));
}

/** All, or the one that is meant. Fails with `sync-not-found` or, when several are meant, `argument-invalid`. */
async function chosen(clients: HostClients, wanted: string | undefined): Promise<Named[]> {
  const all = await allSyncs(clients);
  if (wanted === undefined) {
    if (all.length === 0) say("Nothing is synced. Begin with: berth sync start NAME FOLDER");
    return all;
  }
  const folder = resolve(process.env["BERTH_INVOKED_FROM"] ?? process.cwd(), wanted);
  const byFolder = all.filter(({ sync }) => sync.localFolder === folder || sync.syncId === wanted);
  const name = wanted.toLowerCase().replace(/\.berth$/, "");
  const meant =
    byFolder.length > 0
      ? byFolder
      : all.filter(({ sync, environment }) => environment.toLowerCase() === name || sync.environmentId === wanted);
  if (meant.length === 0) throw new BerthError("sync-not-found", `'${wanted}'`);
  if (meant.length > 1) throw new BerthError("argument-invalid", `${wanted} has several syncs; name one by its folder`);
  return meant;
}

function report({ sync, environment }: Named, json: true | undefined): void {
  if (sync.state === Sync_State.HALTED) process.exitCode = haltedExitCode;
  if (json) return printJson(factsOf({ sync, environment }));
  const lines = formatPairs([
    ["environment", sync.path === "" ? environment : `${environment}, folder ${sync.path}`],
    ["folder", sync.localFolder],
    ["state", sync.detail === "" ? stateOf(sync) : `${stateOf(sync)}: ${sync.detail}`],
    ["left out", [".git", "node_modules", ...sync.ignorePatterns].join(", ")],
    ["files", `${sync.files}, ${formatBytes(Number(sync.bytes))}`],
    ...sync.conflicts.map(({ keptAs }) => ["conflict", keptAs] as const),
    ...more("conflict", sync.totalConflicts - sync.conflicts.length),
    ...sync.problems.map((problem) => ["not synced", describeProblem(problem)] as const),
    ...more("not synced", sync.totalProblems - sync.problems.length),
    ["id", sync.syncId],
  ]);
  for (const line of lines) print(line);
  const advice = adviceAt[sync.halt]?.replaceAll("SYNC", sync.syncId);
  if (advice !== undefined) say(advice);
}

function more(what: string, count: number): (readonly [string, string])[] {
  return count > 0 ? [[what, `and ${count} more`]] : [];
}

/** What there is to do at a halt that asks something. */
const adviceAt: Readonly<Record<string, string>> = {
  deletes: "If that is meant: berth sync resume SYNC --accept-deletes\nIf not, bring the files back; the other side still has them.",
  conflicts:
    "To keep both versions of each: berth sync resume SYNC --accept-conflicts\nTo have the environment's alone, stop it and begin with an empty folder.",
};

const reasons: Readonly<Record<string, string>> = {
  name: "its name cannot be used on both sides",
  "name-clash": "this computer takes its name for another one's",
  link: "it is a link that leads out of the folder",
  special: "it is neither a file, a folder nor a link",
  "too-large": "it is too large",
  "too-deep": "it lies too deep",
  unreadable: "it could not be read",
  "not-empty": "it was deleted on the other side, but holds what is left out",
};

function describeProblem({ path, local, reason, detail }: Sync["problems"][number]): string {
  return `${path} (${local ? "here" : "in the environment"}): ${reasons[reason] ?? (detail === "" ? reason : detail)}`;
}

function stateOf({ state }: Sync): string {
  return (Sync_State[state] ?? "unknown").toLowerCase().replace("_", "-");
}

/** A sync in the JSON of the commands (docs/CLI.md). */
function factsOf({ sync, environment }: Named) {
  return {
    id: sync.syncId,
    environmentId: sync.environmentId,
    environment,
    folder: sync.localFolder,
    path: sync.path,
    ignore: sync.ignorePatterns,
    state: stateOf(sync),
    halt: sync.halt,
    detail: sync.detail,
    files: sync.files,
    bytes: Number(sync.bytes),
    lastSyncedAt: sync.lastSyncedAt === undefined ? "" : timestampDate(sync.lastSyncedAt).toISOString(),
    conflicts: sync.conflicts.map(({ path, keptAs }) => ({ path, keptAs })),
    totalConflicts: sync.totalConflicts,
    problems: sync.problems.map(({ path, local, reason, detail }) => ({ path, side: local ? "local" : "remote", reason, detail })),
    totalProblems: sync.totalProblems,
  };
}
