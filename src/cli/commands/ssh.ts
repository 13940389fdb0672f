import type { Command } from "commander";
import { BerthError } from "../../contract/berth-error.ts";
import { EnvironmentPhase } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { connectHost } from "../connection.ts";
import { findEnvironment, nameOf, phaseName } from "../environments.ts";
import { findRemoteEnvironment } from "../remote-environments.ts";
import { runSsh } from "../run-ssh.ts";

const contextOption = "--context";

/** `berth ssh`. */
export function registerSsh(program: Command): void {
  program
    .command("ssh")
    .argument("<name>", "name or id of an environment")
    .argument("[args...]", "what ssh shall get after the name: a command, or ssh's own options")
    .option(`${contextOption} <context>`, "an environment of a plane; the same as: ssh NAME.CONTEXT.berth")
    .description("Open a shell in an environment, or run a command, by ssh; the same as: ssh NAME.berth")
    .passThroughOptions()
    .action(async (name: string, args: readonly string[], { context }: { readonly context?: string }) => {
      const after = contextAfterName(args);
      process.exitCode = await ssh(name, after.args, context ?? after.context);
    });
}

/** What stands behind the name is for ssh, which has no option of this name. */
function contextAfterName(args: readonly string[]): { readonly args: readonly string[]; readonly context?: string } {
  const [first = "", second, ...rest] = args;
  if (first === "--") return { args: args.slice(1) };
  const [option, value] = first.split("=", 2);
  const context = option === contextOption ? (value ?? second) : undefined;
  if (context === undefined) return { args };
  const others = value === undefined ? rest : args.slice(1);
  return { context, args: others[0] === "--" ? others.slice(1) : others };
}

async function ssh(name: string, args: readonly string[], context: string | undefined): Promise<number> {
  const clients = await connectHost();
  if (context !== undefined) {
    const found = await findRemoteEnvironment(clients, context, name);
    refuseStopped(found.environment.name, found.environment.phase);
    const { contextId } = found.context;
    const { hostAlias } = await clients.remoteAccess.getRemoteSshConfig({ contextId, environmentId: found.environment.environmentId });
    return runSsh(["-F", clients.paths.sshConfig, hostAlias, ...args]);
  }
  const environment = await findEnvironment(clients, name);
  refuseStopped(nameOf(environment), environment.status?.phase);
  const { hostAlias } = await clients.workspaces.getSshConfig({ environmentId: environment.id });
  return runSsh(["-F", clients.paths.sshConfig, hostAlias, ...args]);
}

function refuseStopped(name: string, phase: EnvironmentPhase | undefined): void {
  if (phase !== EnvironmentPhase.RUNNING) throw new BerthError("environment-not-running", `${name} is ${phaseName(phase)}`);
}
