import { spawn } from "node:child_process";
import { Command } from "commander";
import { BerthError } from "../contract/berth-error.ts";
import { MachineState } from "../contract/gen/berth/v1/host_pb.js";
import { registerExec, registerMachineShell } from "./commands/exec.ts";
import { registerUi } from "./commands/ui.ts";
import { EnvironmentPhase } from "../contract/gen/gitpod/v1/environment_pb.js";
import { connectHost } from "./connection.ts";
import { createEnvironment, whenReady } from "./create.ts";
import { allEnvironments, editorUrl, findEnvironment, phaseName, waitForRunning } from "./environments.ts";
import { reportFailure, reportTrouble, say } from "./report.ts";

const program = new Command("berth").description("Development environments in a Linux machine on this computer").enablePositionalOptions();

function print(value: unknown): void {
  process.stdout.write(`${typeof value === "string" ? value : JSON.stringify(value)}\n`);
}

program
  .command("create <source>")
  .option("--name <name>", "", "")
  .option("--devcontainer <path>", "", "")
  .option("--json")
  .option("--no-wait")
  .action(async (source: string, options: { name: string; devcontainer: string; json?: true; wait: boolean }) => {
    const clients = await connectHost({ start: true });
    const id = await createEnvironment(clients, source, { ...options, reuse: false });
    if (!options.wait) return print(options.json ? { id } : id);
    const { created, environment } = await whenReady(clients, id, say);
    print(options.json ? created : `${created.name} is running: ${created.sshCommand}`);
    process.exitCode = reportTrouble(environment);
  });

program
  .command("list")
  .option("--json")
  .action(async (options: { json?: true }) => {
    const clients = await connectHost({ start: true });
    for (const e of await allEnvironments(clients)) {
      const git = e.status?.content?.git;
      const row = {
        id: e.id,
        name: e.metadata?.name ?? "",
        phase: phaseName(e),
        source: e.metadata?.originalContextUrl ?? "",
        branch: git?.branch ?? "",
        changed: git?.totalChangedFiles ?? 0,
        unpushed: git?.totalUnpushedCommits ?? 0,
      };
      print(
        options.json
          ? row
          : [
              row.name.padEnd(24),
              row.phase.padEnd(10),
              row.branch.padEnd(16),
              `${row.changed} changed`.padEnd(12),
              `${row.unpushed} unpushed`,
            ].join(" "),
      );
    }
  });

program
  .command("show <name>")
  .option("--json")
  .action(async (name: string, options: { json?: true }) => {
    const clients = await connectHost({ start: true });
    const e = await findEnvironment(clients, name);
    const { details } = await clients.workspaces.getDetails({ environmentId: e.id });
    const view = {
      id: e.id,
      name: e.metadata?.name,
      phase: phaseName(e),
      desired: (EnvironmentPhase[e.spec?.desiredPhase ?? 0] ?? "unknown").toLowerCase(),
      failure: e.status?.failureMessage,
      warning: e.status?.warningMessage,
      devcontainerFailure: e.status?.devcontainer?.failureMessage,
      recovery: details?.recovery,
      remoteUser: e.status?.devcontainer?.remoteUser,
      folder: e.status?.devcontainer?.remoteWorkspaceFolder,
      sshCommand: details?.sshCommand,
      urls: details?.ports.map((p) => p.url),
    };
    print(
      options.json
        ? view
        : Object.entries(view)
            .map(([key, value]) => `${key.padEnd(20)} ${Array.isArray(value) ? value.join(", ") : String(value)}`)
            .join("\n"),
    );
  });

program
  .command("start <name>")
  .option("--no-wait")
  .action(async (name: string, options: { wait: boolean }) => {
    const clients = await connectHost({ start: true });
    const e = await findEnvironment(clients, name);
    await clients.environments.startEnvironment({ environmentId: e.id });
    if (options.wait) process.exitCode = reportTrouble((await waitForRunning(clients, e.id, say)).environment);
  });

program
  .command("stop <name>")
  .option("--no-wait")
  .action(async (name: string, options: { wait: boolean }) => {
    const clients = await connectHost({ start: true });
    const e = await findEnvironment(clients, name);
    await clients.environments.stopEnvironment({ environmentId: e.id });
    while (options.wait && phaseName(await findEnvironment(clients, e.id)) !== "stopped")
      await new Promise((resolve) => setTimeout(resolve, 300));
  });

program
  .command("rebuild <name>")
  .option("--no-cache")
  .action(async (name: string, options: { cache: boolean }) => {
    const clients = await connectHost({ start: true });
    const e = await findEnvironment(clients, name);
    await clients.workspaces.rebuild({ environmentId: e.id, noCache: !options.cache });
    process.exitCode = reportTrouble((await waitForRunning(clients, e.id, say)).environment);
  });

program.command("rename <name> <new-name>").action(async (name: string, newName: string) => {
  const clients = await connectHost({ start: true });
  const { id: environmentId } = await findEnvironment(clients, name);
  await clients.environments.updateEnvironment({ environmentId, metadata: { name: newName } });
  await clients.workspaces.getSshConfig({ environmentId });
});

program
  .command("delete <name>")
  .option("--force")
  .action(async (name: string, options: { force?: true }) => {
    const clients = await connectHost({ start: true });
    const e = await findEnvironment(clients, name);
    const git = e.status?.content?.git;
    const changed = git?.totalChangedFiles ?? 0;
    const unpushed = git?.totalUnpushedCommits ?? 0;
    if (options.force !== true && changed + unpushed > 0)
      throw new BerthError("uncommitted-work", `${changed} changed files and ${unpushed} unpushed commits would be lost`);
    await clients.environments.deleteEnvironment({ environmentId: e.id });
    while ((await allEnvironments(clients)).some((other) => other.id === e.id)) await new Promise((resolve) => setTimeout(resolve, 300));
  });

program
  .command("logs <name>")
  .option("-f, --follow")
  .action(async (name: string, options: { follow?: true }) => {
    const clients = await connectHost({ start: true });
    for await (const part of clients.workspaces.watchLog({
      environmentId: (await findEnvironment(clients, name)).id,
      follow: options.follow ?? false,
    }))
      process.stdout.write(part.data);
  });

program
  .command("ports <name>")
  .option("--json")
  .action(async (name: string, options: { json?: true }) => {
    const clients = await connectHost({ start: true });
    const { details } = await clients.workspaces.getDetails({ environmentId: (await findEnvironment(clients, name)).id });
    for (const p of details?.ports ?? [])
      print(
        options.json
          ? { containerPort: p.containerPort, hostPort: p.hostPort, url: p.url, process: p.processName, label: p.label }
          : `${String(p.containerPort).padEnd(6)} ${p.url.padEnd(26)} ${p.label === "" ? p.processName : p.label}`,
      );
  });

program
  .command("open <name>")
  .option("--editor <editor>", "", "vscode")
  .option("--print")
  .action(async (name: string, options: { editor: string; print?: true }) => {
    const clients = await connectHost({ start: true });
    const e = await findEnvironment(clients, name);
    const url = await editorUrl(clients, e, options.editor);
    if (options.print) return print(url);
    await clients.workspaces.getSshConfig({ environmentId: e.id });
    spawn(process.platform === "darwin" ? "open" : "xdg-open", [url], { stdio: "ignore", detached: true }).unref();
  });

program
  .command("ssh <name> [args...]")
  .passThroughOptions()
  .action(async (name: string, args: string[]) => {
    const clients = await connectHost({ start: true });
    const e = await findEnvironment(clients, name);
    await clients.workspaces.getSshConfig({ environmentId: e.id });
    const { details } = await clients.workspaces.getDetails({ environmentId: e.id });
    process.exitCode = await new Promise<number>((resolve) =>
      spawn("ssh", ["-F", clients.paths.sshConfig, details?.sshHost ?? "", ...args], { stdio: "inherit" }).once("close", (code) =>
        resolve(code ?? 255),
      ),
    );
  });

const machine = program.command("machine").description("The Linux machine that environments run in").enablePositionalOptions();
registerExec(program);
registerMachineShell(machine);
registerUi(program);
machine
  .command("status")
  .option("--console")
  .action(async (options: { console?: true }) => {
    const clients = await connectHost({ start: true });
    if (options.console) return print((await clients.host.getConsole({})).text);
    const { machine: m } = await clients.host.getMachine({});
    print({
      state: MachineState[m?.state ?? 0]?.toLowerCase(),
      accelerator: m?.accelerator,
      warning: m?.acceleratorWarning,
      diskAllocatedMiB: Math.round(Number(m?.dataDiskAllocatedBytes ?? 0n) / 1024 ** 2),
      memoryMiB: Math.round(Number(m?.hostMemoryBytes ?? 0n) / 1024 ** 2),
      failure: m?.failureMessage,
    });
  });
machine.command("start").action(async () => void (await (await connectHost({ start: true })).host.startMachine({})));
machine.command("stop").action(async () => void (await (await connectHost({ start: true })).host.stopMachine({})));

program
  .command("host <action>")
  .option("--keep-machines")
  .description("stop: ends the host and, unless told otherwise, the machine; pid: its process")
  .action(async (action: string, options: { keepMachines?: true }) => {
    if (action === "pid") return print(String((await (await connectHost({ start: true })).host.getHost({})).pid));
    if (action !== "stop") throw new BerthError("internal", `there is no 'host ${action}'`);
    await (await connectHost({ start: false })).host.stopHost({ keepMachines: options.keepMachines ?? false });
  });

program.command("version").action(() => print("0.1.0"));

try {
  await program.parseAsync();
  process.exit();
} catch (error) {
  process.exit(reportFailure(error));
}
