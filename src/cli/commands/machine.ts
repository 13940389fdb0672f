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
import { print, printJson, say } from "../output.ts";
import { type Progress, stderrProgress } from "../progress.ts";
import { askForNames } from "../prompt.ts";
import { asError } from "../report.ts";
import { registerMachineShell } from "./exec.ts";
import { addWaitOptions, jsonOption, type WaitOptions } from "./options.ts";

interface JsonOptions {
  readonly json?: true;
}

interface ResetOptions extends JsonOptions {
  readonly confirm: readonly string[];
}

/** `berth machine …`: the Linux machine that environments run in. */
export function registerMachine(program: Command): void {
  const machine = program
    .command("machine")
    .description("The Linux machine that environments run in: status, start, suspend, stop, boot-profile, reset, shell");
  machine
    .command("status")
    .description("Show its state, its accelerator and what it uses")
    .option("--console", "print the last output of its console instead")
    .addOption(jsonOption())
    .action(status);
  addWaitOptions(
    machine.command("start").description("Start it; environments start it by themselves").addOption(jsonOption()),
    "return while it starts",
  ).action(start);
  machine
    .command("stop")
    .description("Stop its environments and shut it down; everything on its disk stays")
    .addOption(jsonOption())
    .action(stop);
  machine.command("boot-profile").description("Show how long each part of its last boot took").addOption(jsonOption()).action(bootProfile);
  machine
    .command("suspend")
    .description("Save it with everything that runs in it, and free its memory; any use of an environment wakes it")
    .addOption(jsonOption())
    .action(suspend);
  machine
    .command("reset")
    .description("Delete it with every environment on it; the next start makes a new one")
    .option(
      "--confirm <name>",
      "the name of an environment that may be lost; repeat it for each of them",
      (value: string, all: readonly string[]) => [...all, value],
      [] as readonly string[],
    )
    .addOption(jsonOption())
    .action(reset);
  registerMachineShell(machine);
}

async function status({ console: wantsConsole, json }: JsonOptions & { readonly console?: true }): Promise<void> {
  const clients = await connectHost();
  if (wantsConsole) {
    const { text } = await clients.host.getConsole({});
    return json ? printJson({ console: text }) : void process.stdout.write(text);
  }
  printMachine((await clients.host.getMachine({})).machine, json);
}

async function start({ json, wait }: WaitOptions): Promise<void> {
  const clients = await connectHost();
  if (wait) await interruptible(async (signal) => startAndWait(clients, signal));
  else await clients.host.startMachine({});
  if (json) printMachine((await clients.host.getMachine({})).machine, json);
}

async function startAndWait(clients: HostClients, signal: AbortSignal): Promise<void> {
  const watch = await HostWatch.open(clients, signal);
  const progress = stderrProgress();
  try {
    await clients.host.startMachine({});
    progress.begin("machine", "Starting the machine");
    let began = false;
    await watch.until(({ machine }) => {
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

async function stop({ json }: JsonOptions): Promise<void> {
  const clients = await connectHost();
  await withStep("Stopping the machine", "The machine goes on stopping.", async () => clients.host.stopMachine({}));
  if (json) printMachine((await clients.host.getMachine({})).machine, json);
}

async function bootProfile({ json }: JsonOptions): Promise<void> {
  const { phases } = await (await connectHost()).host.getBootProfile({});
  const rows = phases.map(({ name, endedAtMs }, i) => ({ name, endedAtMs, tookMs: endedAtMs - (phases[i - 1]?.endedAtMs ?? 0) }));
  if (json) return printJson({ phases: rows });
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
  for (const line of formatPairs(rows.map(({ name, endedAtMs, tookMs }) => [name, `${seconds(endedAtMs)}  (+${seconds(tookMs)})`])))
    print(line);
}

async function suspend({ json }: JsonOptions): Promise<void> {
  const clients = await connectHost();
  await withStep("Suspending the machine", "The machine goes on being suspended.", async () => clients.host.suspendMachine({}));
  if (json) printMachine((await clients.host.getMachine({})).machine, json);
}

async function reset({ confirm, json }: ResetOptions): Promise<void> {
  const clients = await connectHost();
  const environments = await allEnvironments(clients);
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

function printMachine(machine: Machine | undefined, json: true | undefined): void {
  if (machine === undefined) return;
  const facts = {
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
    failure: machine.failureMessage,
    warnings: machine.warnings,
    environments: machine.environmentNames,
  };
  if (json) return printJson(facts);
  const lines = formatPairs([
    ["state", facts.state],
    ["failure", facts.failure],
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
