import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { writeFileAtomically } from "../lib/atomic-file.ts";
import type { HostClients } from "./connection.ts";
import { allEnvironments } from "./environments.ts";
import { programArguments } from "./programs.ts";

const includeComment = "# Berth: ssh NAME.berth";

/** Writes what ssh must know of every environment, and names it once at the top of the person's own configuration. */
export async function writeSshFiles(clients: HostClients): Promise<void> {
  const { paths } = clients;
  mkdirSync(paths.sshFolder, { recursive: true, mode: 0o700 });
  const blocks: string[] = [];
  const known: string[] = [];
  for (const environment of await allEnvironments(clients)) {
    const config = await clients.workspaces.getSshConfig({ environmentId: environment.id });
    if (config.hostPublicKey !== "") known.push(`${environment.id} ${config.hostPublicKey}`);
    blocks.push(
      [
        `Host ${config.hostAlias}`,
        `  User ${config.user}`,
        `  HostKeyAlias ${environment.id}`,
        `  IdentityFile ${quote(config.identityFile)}`,
        `  ProxyCommand ${proxyCommand(environment.id)}`,
      ].join("\n"),
    );
  }
  const common = [
    "Host *.berth",
    "  IdentitiesOnly yes",
    "  ForwardAgent no",
    "  StrictHostKeyChecking yes",
    `  UserKnownHostsFile ${quote(paths.knownHosts)}`,
    "  GlobalKnownHostsFile /dev/null",
    "  LogLevel ERROR",
  ].join("\n");
  // A host key of an environment that is off now stays known.
  const before = (await readFile(paths.knownHosts, "utf8").catch(() => ""))
    .split("\n")
    .filter((line) => line !== "" && !known.some((k) => k.split(" ")[0] === line.split(" ")[0]));
  await writeFileAtomically(paths.knownHosts, `${[...before, ...known].join("\n")}\n`);
  await writeFileAtomically(paths.sshConfig, `${[...blocks, common].join("\n\n")}\n`);
  await include(paths.sshConfig);
}

async function include(configPath: string): Promise<void> {
  const userConfig = process.env["BERTH_SSH_CONFIG"] ?? join(homedir(), ".ssh", "config");
  const line = `Include ${quote(configPath)}`;
  const text = await readFile(userConfig, "utf8").catch(() => "");
  if (text.includes(line)) return;
  mkdirSync(join(userConfig, ".."), { recursive: true, mode: 0o700 });
  await writeFileAtomically(userConfig, `${includeComment}\n${line}\n\n${text}`);
}

function proxyCommand(environmentId: string): string {
  const home = process.env["BERTH_HOME"] === undefined ? "" : `env BERTH_HOME=${quote(process.env["BERTH_HOME"])} `;
  return `${home}${[process.execPath, ...programArguments("proxy")].map(quote).join(" ")} ${environmentId}`;
}

/** ssh_config(5) takes double quotes; % begins a token in ProxyCommand and paths. */
function quote(text: string): string {
  return `"${text.replaceAll("%", "%%")}"`;
}
