import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { BerthError } from "../../contract/berth-error.ts";
import { type Machine, MachineState } from "../../contract/gen/berth/v1/host_pb.js";
import type { Environment } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { connectHost, type HostClients } from "../connection.ts";
import { quoteName } from "../create.ts";
import { allEnvironments, describeWork, nameOf, workOf } from "../environments.ts";
import { formatBytes, formatPairs } from "../format.ts";
import { HostWatch } from "../host-watch.ts";
import { interruptible } from "../interrupt.ts";
import { print, printJson, printTable, say } from "../output.ts";
import { type Progress, stderrProgress } from "../progress.ts";
import { askForNames } from "../prompt.ts";
import { asError } from "../report.ts";
import { allMachines, findMachineId } from "../machines.ts";
import { registerMachineShell } from "./exec.ts";
import { registerMachineImage } from "./machine-image.ts";
import { addWaitOptions, jsonOption, machineOption, type MachineOptions, type WaitOptions } from "./options.ts";

interface JsonOptions {
  readonly json?: true;
}

interface OneMachineOptions extends JsonOptions, MachineOptions {}

interface ResetOptions extends JsonOptions {
  readonly confirm: readonly string[];
}

/** `berth machine …`: the Linux machines that environments run in. */
export function registerMachine(program: Command): void {
  const machine = program
    .command("machine")
    .description(
      "The Linux machines that environments run in: list, status, start, suspend, stop, restart, boot-profile, reset, image, shell",
    );
  machine.command("list").alias("ls").description("List all machines").addOption(jsonOption()).action(list);
  machine
    .command("status")
    .description("Show its state, its accelerator and what it uses")
    .option("--console", "print the last output of its console instead")
    .addOption(machineOption())
    .addOption(jsonOption())
    .action(status);
  addWaitOptions(
    machine
      .command("start")
      .description("Start it; environments start it by themselves")
      .addOption(machineOption())
      .addOption(jsonOption()),
    "return while it starts",
  ).action(start);
  machine
    .command("stop")
    .description("Stop its environments and shut it down; everything on its disk stays")
    .addOption(machineOption())
    .addOption(jsonOption())
    .action(stop);
  addWaitOptions(
    machine
      .command("restart")
      .description("Shut it down and start it again, with the environments that run; what runs in them ends")
      .addOption(machineOption())
      .addOption(jsonOption()),
    "return while it starts",
  ).action(restart);
  machine
    .command("boot-profile")
    .description("Show how long each part of its last boot took")
    .addOption(machineOption())
    .addOption(jsonOption())
    .action(bootProfile);
  machine
    .command("suspend")
    .description("Save it with everything that runs in it, and free its memory; any use of an environment wakes it")
    .addOption(machineOption())
    .addOption(jsonOption())
    .action(suspend);
  machine
    .command("reset")
    .description("Delete the shared machine with every environment on it; the next start makes a new one")
    .option(
      "--confirm <name>",
      "the name of an environment that may be lost; repeat it for each of them",
      (value: string, all: readonly string[]) => [...all, value],
      [] as readonly string[],
    )
    .addOption(jsonOption())
    .action(reset);
  registerMachineImage(machine);
  registerMachineShell(machine);
}

async function list({ json }: JsonOptions): Promise<void> {
  const rows = (await allMachines(await connectHost())).map(({ name, machine }) => ({ name, ...machineFacts(machine) }));
  if (json) return rows.forEach(printJson);
  printTable(
    [
      { title: "MACHINE", minWidth: 8 },
      { title: "STATE" },
      { title: "MEMORY" },
      { title: "IN USE" },
      { title: "DISK" },
      { title: "ENVIRONMENTS", minWidth: 12 },
    ],
    rows.map((row) => [
      row.name,
      row.state,
      formatBytes(row.memoryBytes),
      formatBytes(row.usedMemoryBytes),
      formatBytes(row.diskAllocatedBytes),
      row.environments.join(", "),
    ]),
  );
}

async function status({ console: wantsConsole, machine, json }: OneMachineOptions & { readonly console?: true }): Promise<void> {
  const clients = await connectHost();
  const machineId = await findMachineId(clients, machine);
  if (wantsConsole) {
    const { text } = await clients.host.getConsole({ machineId });
    return json ? printJson({ console: text }) : void process.stdout.write(text);
  }
  printMachine((await clients.host.getMachine({ machineId })).machine, json);
}

async function start({ json, machine, wait }: WaitOptions & MachineOptions): Promise<void> {
  const clients = await connectHost();
  const machineId = await findMachineId(clients, machine);
  if (wait) await interruptible(async (signal) => startAndWait(clients, machineId, signal));
  else await clients.host.startMachine({ machineId });
  if (json) printMachine((await clients.host.getMachine({ machineId })).machine, json);
}

async function restart({ json, machine, wait }: WaitOptions & MachineOptions): Promise<void> {
  const clients = await connectHost();
  const machineId = await findMachineId(clients, machine);
  await withStep("Stopping the machine", "The machine goes on stopping, and starts again after that.", async () =>
    clients.host.restartMachine({ machineId }),
  );
  if (wait) await interruptible(async (signal) => startAndWait(clients, machineId, signal));
  if (json) printMachine((await clients.host.getMachine({ machineId })).machine, json);
}

async function startAndWait(clients: HostClients, machineId: string, signal: AbortSignal): Promise<void> {
  const watch = await HostWatch.open(clients, signal);
  const progress = stderrProgress();
  try {
    let began = watch.state.machines.get(machineId)?.state !== MachineState.FAILED;
    progress.begin("machine", "Starting the machine");
    const { machine: now } = await clients.host.startMachine({ machineId });
    // What is refused at once was never seen booting.
    if (now?.state === MachineState.FAILED) throw asError(now.failureMessage);
    await watch.until(({ machines }) => {
      const machine = machines.get(machineId);
      if (machine?.state === MachineState.READY) return machine;
      began ||= machine?.state === MachineState.BOOTING;
      if (began && machine?.state === MachineState.FAILED) throw asError(machine.failureMessage);
      return undefined;
    });
    progress.close("done");
  } catch (error) {
    progress.close(signal.aborted ? undefined : "failed");
    if (signal.aborted) say("The machine goes on starting. berth machine stop ends it.");
    throw error;
  } finally {
    watch.close();
  }
}

async function stop({ json, machine }: OneMachineOptions): Promise<void> {
  const clients = await connectHost();
  const machineId = await findMachineId(clients, machine);
  await withStep("Stopping the machine", "The machine goes on stopping.", async () => clients.host.stopMachine({ machineId }));
  if (json) printMachine((await clients.host.getMachine({ machineId })).machine, json);
}

async function bootProfile({ json, machine }: OneMachineOptions): Promise<void> {
  const clients = await connectHost();
  const { phases } = await clients.host.getBootProfile({ machineId: await findMachineId(clients, machine) });
  const rows = phases.map(({ name, endedAtMs }, i) => ({ name, endedAtMs, tookMs: endedAtMs - (phases[i - 1]?.endedAtMs ?? 0) }));
  if (json) return printJson({ phases: rows });
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
  for (const line of formatPairs(rows.map(({ name, endedAtMs, tookMs }) => [name, `${seconds(endedAtMs)}  (+${seconds(tookMs)})`])))
    print(line);
}

async function suspend({ json, machine }: OneMachineOptions): Promise<void> {
  const clients = await connectHost();
  const machineId = await findMachineId(clients, machine);
  await withStep("Suspending the machine", "The machine goes on being suspended.", async () => clients.host.suspendMachine({ machineId }));
  if (json) printMachine((await clients.host.getMachine({ machineId })).machine, json);
}

async function reset({ confirm, json }: ResetOptions): Promise<void> {
  const clients = await connectHost();
  const shared = (await clients.host.getMachine({})).machine?.environmentNames ?? [];
  const environments = (await allEnvironments(clients)).filter((environment) => shared.includes(nameOf(environment)));
  const names = environments.map(nameOf);
  const confirmed = confirm.length > 0 ? confirm : await confirmByTyping(environments);
  const missing = names.filter((name) => !confirmed.includes(name));
  if (missing.length > 0) {
    const pass = names.map((name) => `--confirm ${quoteName(name)}`).join(" ");
    throw new BerthError("confirmation-missing", `${missing.join(", ")} would be lost. If that is right: berth machine reset ${pass}`);
  }
  await withStep("Resetting the machine", "The machine goes on being reset.", async () =>
    clients.host.resetMachine({ confirmEnvironmentNames: [...confirmed] }),
  );
  if (json) printJson({ removed: names });
  else say("The machine was deleted. The next start makes a new one.");
}

/** On a terminal, each name is typed by the person who is about to lose what it stands for. */
async function confirmByTyping(environments: readonly Environment[]): Promise<readonly string[]> {
  if (environments.length === 0) return [];
  say("The machine is deleted with its disk. These environments are lost for ever:\n");
  for (const environment of environments) {
    const work = describeWork(workOf(environment));
    say(`  ${nameOf(environment)}${work === "" ? "" : `  with ${work}`}`);
  }
  say("");
  if (!process.stdin.isTTY || !process.stderr.isTTY) return [];
  return interruptible(async (signal) => askForNames(environments.map(nameOf), signal));
}

async function withStep(name: string, goesOn: string, work: (progress: Progress) => Promise<unknown>): Promise<void> {
  await interruptible(async (signal) => {
    const progress = stderrProgress();
    progress.begin(name, name);
    // The host carries it through whether or not somebody waits.
    const interrupted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error));
    });
    try {
      await Promise.race([work(progress), interrupted]);
      progress.close("done");
    } catch (error) {
      progress.close(signal.aborted ? undefined : "failed");
      if (signal.aborted) say(goesOn);
      throw error;
    }
  });
}

function machineFacts(machine: Machine) {
  return {
    id: machine.id,
    state: (MachineState[machine.state] ?? "unknown").toLowerCase(),
    driver: machine.driver,
    accelerator: machine.accelerator,
    warning: machine.acceleratorWarning,
    cpus: machine.cpus,
    memoryBytes: Number(machine.memoryBytes),
    usedMemoryBytes: Number(machine.hostMemoryBytes),
    diskLimitBytes: Number(machine.dataDiskLimitBytes),
    diskAllocatedBytes: Number(machine.dataDiskAllocatedBytes),
    diskFreeBytes: Number(machine.dataDiskFreeBytes),
    imageSha256: machine.imageSha256,
    startedAt: machine.startedAt === undefined ? "" : timestampDate(machine.startedAt).toISOString(),
    imageWarning: machine.image?.warning ?? "",
    failure: machine.failureMessage,
    warnings: machine.warnings,
    environments: machine.environmentNames,
  };
}

function printMachine(machine: Machine | undefined, json: true | undefined): void {
  if (machine === undefined) return;
  const facts = machineFacts(machine);
  if (json) return printJson(facts);
  const lines = formatPairs([
    ["state", facts.state],
    ["failure", facts.failure],
    ["image", facts.imageWarning],
    ["warnings", facts.warnings.join("; ")],
    ["accelerator", `${facts.accelerator}${facts.warning === "" ? "" : ` (slow: ${facts.warning})`}`],
    ["processors", String(facts.cpus)],
    ["memory", `${formatBytes(facts.memoryBytes)}, ${formatBytes(facts.usedMemoryBytes)} in use`],
    ["disk", `up to ${formatBytes(facts.diskLimitBytes)}, ${formatBytes(facts.diskAllocatedBytes)} taken on this computer`],
    ["started", facts.startedAt],
    ["environments", facts.environments.join(", ")],
  ]);
  for (const line of lines) print(line);
}
