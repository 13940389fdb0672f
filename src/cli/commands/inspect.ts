import type { Command } from "commander";
import { BerthError } from "../../contract/berth-error.ts";
import type { Environment } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { sharedMachineId } from "../../contract/machine-id.ts";
import { connectHost } from "../connection.ts";
import { describeWork, environmentFacts, environmentRow, findEnvironment, nameOf, phaseName, portRow, workOf } from "../environments.ts";
import { formatPairs, shortSource } from "../format.ts";
import { HostWatch } from "../host-watch.ts";
import { interruptible } from "../interrupt.ts";
import { print, printJson, printTable, say } from "../output.ts";
import { contextOption } from "../remote.ts";
import { jsonOption } from "./options.ts";
import { listRemote, showRemote } from "./remote-list.ts";
import { forwardRemotePorts } from "./remote-ports.ts";

interface JsonOptions {
  readonly json?: true;
}

interface ListOptions extends JsonOptions {
  readonly context?: string;
}

/** `berth list`, `berth show`, `berth ports`: what there is. */
export function registerInspect(program: Command): void {
  program
    .command("list")
    .alias("ls")
    .description("List the environments")
    .addOption(contextOption())
    .addOption(jsonOption())
    .action(async (options: ListOptions) => interruptible(async (signal) => list(options, signal)));
  program
    .command("show")
    .alias("status")
    .argument("<name>", "name or id of an environment")
    .description("Show everything about an environment")
    .addOption(contextOption())
    .addOption(jsonOption())
    .action(async (name: string, options: ListOptions) => interruptible(async (signal) => show(name, options, signal)));
  program
    .command("ports")
    .argument("<name>", "name or id of an environment")
    .argument("[ports...]", "of an environment of a plane: which to forward, e.g. 3000 or 8080:80 (here:there)")
    .option("--context <context>", "forward ports of an environment of a plane to this computer, until Ctrl-C")
    .description("List the ports of an environment and where they answer on this computer")
    .addOption(jsonOption())
    .action(async (name: string, wanted: readonly string[], options: ListOptions) => {
      if (options.context !== undefined) return forwardRemotePorts(name, options.context, wanted);
      if (wanted.length > 0) throw new BerthError("argument-invalid", "ports of this computer's environments are forwarded by themselves");
      return ports(name, options);
    });
}

async function list({ json, context }: ListOptions, signal: AbortSignal): Promise<void> {
  if (context !== undefined) return listRemote(context, json, signal);
  const watch = await HostWatch.open(await connectHost({ signal }), signal);
  const views = [...watch.state.environments.values()].filter(({ environment }) => environment.metadata?.archivedAt === undefined);
  watch.close();
  const rows = views.map(({ environment, details }) => environmentRow(environment, details));
  if (json) return rows.forEach(printJson);
  if (rows.length === 0) return say("There are no environments. Make one with: berth create REPOSITORY-OR-FOLDER");
  printTable(
    [
      { title: "NAME", minWidth: 12 },
      { title: "PHASE" },
      { title: "BRANCH", minWidth: 8 },
      { title: "CHANGED" },
      { title: "UNPUSHED" },
      { title: "PORTS", minWidth: 6 },
      { title: "MACHINE" },
      { title: "SOURCE", minWidth: 10, cut: "start" },
    ],
    rows.map((row, i) => [
      row.name,
      row.phase,
      row.branch,
      ...workCells(views[i]?.environment),
      row.ports.join(","),
      machineWord(row.machine),
      shortSource(row.source),
    ]),
  );
}

function machineWord(machineId: string): string {
  return machineId === sharedMachineId ? "shared" : "own";
}

/** Changed files and unpushed commits; "-" where they are not known. */
function workCells(environment: Environment | undefined): readonly string[] {
  const work = environment === undefined ? undefined : workOf(environment);
  return work === undefined ? ["-", "-"] : [String(work.changed), String(work.unpushed)];
}

async function show(name: string, { json, context }: ListOptions, signal: AbortSignal): Promise<void> {
  if (context !== undefined) return showRemote(name, context, json, signal);
  const clients = await connectHost({ signal });
  const environment = await findEnvironment(clients, name);
  const { details } = await clients.workspaces.getDetails({ environmentId: environment.id });
  const facts = environmentFacts(environment, details);
  if (json) return printJson(facts);
  const git = environment.status?.content?.git;
  const wanted = facts.desired === facts.phase ? "" : ` (${facts.desired} is wanted)`;
  const lines = formatPairs([
    ["name", facts.name],
    ["id", facts.id],
    ["phase", `${facts.phase}${facts.recovery ? ", in a recovery container" : ""}${wanted}`],
    ["source", shortSource(facts.source)],
    ["branch", git === undefined ? "" : `${git.branch} at ${git.latestCommit.slice(0, 10)}`],
    ["work", git === undefined ? "" : describeWork(workOf(environment)) || "nothing that is not pushed"],
    [
      "configuration",
      `${facts.devcontainerFile}${facts.devcontainerInSync ? "" : " (changed since it was built: berth rebuild applies it)"}`,
    ],
    ["machine", machineWord(facts.machine) === "own" ? `of its own, ${facts.machine}` : "shared"],
    ["user", facts.remoteUser],
    ["folder", facts.folder],
    ["shell", facts.sshCommand],
    ...facts.forwards.map((f) => ["port", describePort(f).join("  ")] as const),
    ...facts.failure.map((text) => ["failure", text] as const),
    ...facts.warning.map((text) => ["warning", text] as const),
    ["created", facts.createdAt],
    ["started", facts.startedAt],
  ]);
  for (const line of lines) print(line);
}

async function ports(name: string, { json }: JsonOptions): Promise<void> {
  const clients = await connectHost();
  const environment = await findEnvironment(clients, name);
  const { details } = await clients.workspaces.getDetails({ environmentId: environment.id });
  const rows = (details?.ports ?? []).map(portRow);
  if (json) return rows.forEach(printJson);
  if (rows.length === 0) {
    const phase = phaseName(environment.status?.phase);
    return say(
      phase === "running"
        ? `Nothing listens in ${nameOf(environment)}.`
        : `${nameOf(environment)} is ${phase}: ports are forwarded while it runs.`,
    );
  }
  printTable(
    [{ title: "PORT" }, { title: "ADDRESS" }, { title: "PROCESS" }, { title: "STATE", minWidth: 9 }],
    rows.map((row) => describePort(row)),
  );
}

function describePort(row: ReturnType<typeof portRow>): string[] {
  const host = row.containerHost === "" || row.containerHost === "localhost" ? "" : `${row.containerHost}:`;
  const state = row.failure !== "" ? row.failure : row.listening ? "listening" : "nothing listens yet";
  return [`${host}${row.containerPort}`, row.url, row.label === "" ? row.process : row.label, state];
}
