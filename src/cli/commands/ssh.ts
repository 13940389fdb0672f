import { spawn } from "node:child_process";
import { constants } from "node:os";
import type { Command } from "commander";
import { BerthError } from "../../contract/berth-error.ts";
import { EnvironmentPhase } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { connectHost } from "../connection.ts";
import { findEnvironment, nameOf, phaseName } from "../environments.ts";

const sshFailedExitCode = 255;
const signalExitBase = 128;

/** `berth ssh`. */
export function registerSsh(program: Command): void {
  program
    .command("ssh")
    .argument("<name>", "name or id of an environment")
    .argument("[args...]", "what ssh shall get after the name: a command, or ssh's own options")
    .description("Open a shell in an environment, or run a command, by ssh; the same as: ssh NAME.berth")
    .passThroughOptions()
    .action(async (name: string, args: readonly string[]) => {
      process.exitCode = await ssh(name, args);
    });
}

async function ssh(name: string, args: readonly string[]): Promise<number> {
  const clients = await connectHost();
  const environment = await findEnvironment(clients, name);
  const phase = environment.status?.phase;
  if (phase !== EnvironmentPhase.RUNNING) throw new BerthError("environment-not-running", `${nameOf(environment)} is ${phaseName(phase)}`);
  const { hostAlias } = await clients.workspaces.getSshConfig({ environmentId: environment.id });
  const child = spawn("ssh", ["-F", clients.paths.sshConfig, hostAlias, ...args], { stdio: "inherit" });
  // A terminal's Ctrl-C reaches ssh too, which puts the terminal back and tells how it ended.
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  return new Promise((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) =>
      reject(new BerthError("ssh-failed", error.code === "ENOENT" ? "ssh is not installed" : error.message)),
    );
    child.once("close", (code, signal) =>
      resolve(code ?? (signal === null ? sshFailedExitCode : signalExitBase + constants.signals[signal])),
    );
  });
}
