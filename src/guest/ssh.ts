import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { writeFileAtomically } from "../lib/atomic-file.ts";
import { authorizedKeysHash, authorizedKeysText } from "../lib/authorized-keys.ts";
import { ensureSshKeyPair } from "../lib/ssh-key-pair.ts";
import { quoteForShell, type SessionEnvFiles, sessionEnvFiles } from "./devcontainer/session-env.ts";
import type { EnvironmentStates } from "./environment-state.ts";
import { workUserName } from "./settings.ts";

/** The host key of an environment, made once and kept with its working copy. Fails when the environment's folder is gone. */
export async function ensureHostKey(folder: string): Promise<string> {
  await mkdir(join(folder, "ssh"), { mode: 0o700 }).catch((error: unknown) => {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  });
  return ensureSshKeyPair(join(folder, "ssh", "host_ed25519"), "");
}

export interface SshTarget {
  readonly environmentId: string;
  readonly containerId: string;
  /** Of the container's first process; its network namespace is where forwards end. */
  readonly containerPid: number;
  readonly remoteUser: string;
  readonly workspaceFolder: string;
}

/**
 * One ssh connection into a container: OpenSSH of the machine in the container's network namespace, so
 * that forwards reach the container's localhost, with a forced command that enters the container.
 */
export async function openSsh(target: SshTarget, states: EnvironmentStates, runFolder: string): Promise<Duplex> {
  const folder = await writeSshFiles(target, states, runFolder);
  // sshd makes agent sockets in /tmp; this connection's /tmp is a folder that the container sees as /run/berth.
  const script = 'mount --bind "$1" /tmp && exec /usr/sbin/sshd -i -f "$2"';
  const child = spawn(
    "nsenter",
    [
      `--net=/proc/${target.containerPid}/ns/net`,
      "unshare",
      "--mount",
      "--propagation",
      "private",
      "sh",
      "-c",
      script,
      "sh",
      states.runFolderOf(target.environmentId),
      join(folder, "sshd_config"),
    ],
    { stdio: ["pipe", "pipe", "ignore"] },
  );
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  child.once("error", (error) => stream.destroy(error));
  stream.once("close", () => child.kill("SIGHUP"));
  return stream;
}

/** Writes who may log in. */
export async function writeAuthorizedKeys(environmentId: string, keys: readonly string[], runFolder: string): Promise<void> {
  const folder = join(runFolder, "ssh", environmentId);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  // Whoever logs in meanwhile is let in by the old ones or by the new ones.
  await writeFileAtomically(join(folder, "authorized_keys"), authorizedKeysText(keys), 0o644);
}

/** What the host compares with the keys that it wants; empty while none were written. */
export function readAuthorizedKeysHash(environmentId: string, runFolder: string): string {
  try {
    return authorizedKeysHash(readFileSync(join(runFolder, "ssh", environmentId, "authorized_keys"), "utf8"));
  } catch {
    return "";
  }
}

async function writeSshFiles(target: SshTarget, states: EnvironmentStates, runFolder: string): Promise<string> {
  const folder = join(runFolder, "ssh", target.environmentId);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  await ensureHostKey(states.folderOf(target.environmentId));
  await writeFile(join(folder, "enter"), enterScript(target, sessionEnvFiles(runFolder, target.environmentId)), { mode: 0o755 });
  await chmod(join(folder, "enter"), 0o755);
  await writeFile(join(folder, "sshd_config"), sshdConfig(folder, join(states.folderOf(target.environmentId), "ssh", "host_ed25519")));
  return folder;
}

function sshdConfig(folder: string, hostKey: string): string {
  return [
    `HostKey ${hostKey}`,
    `AuthorizedKeysFile ${folder}/authorized_keys`,
    "StrictModes no",
    "UsePAM no",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    `AllowUsers ${workUserName}`,
    `ForceCommand ${folder}/enter`,
    "Subsystem sftp sftp-server",
    "AllowTcpForwarding yes",
    "AllowStreamLocalForwarding no",
    "AllowAgentForwarding yes",
    "GatewayPorts no",
    "X11Forwarding no",
    "AcceptEnv LANG LC_* COLORTERM TERM_PROGRAM TERM_PROGRAM_VERSION GIT_*",
    "PidFile none",
    "UseDNS no",
    "PrintMotd no",
    "PrintLastLog no",
    "ClientAliveInterval 30",
    "ClientAliveCountMax 4",
    "MaxSessions 100",
    "LogLevel ERROR",
    "",
  ].join("\n");
}

/** For sh in a container: sets SHELL to the user's login shell, or to one that is there. */
export const loginShell =
  'shell=$(getent passwd "$(id -un)" 2>/dev/null | cut -d: -f7); [ -x "$shell" ] || shell=/bin/bash; [ -x "$shell" ] || shell=/bin/sh; export SHELL="$shell"';

/** What every ssh session runs: the person's shell or command inside the container. */
function enterScript(target: SshTarget, env: SessionEnvFiles): string {
  return `#!/bin/sh
container=${quoteForShell(target.containerId)}
user=${quoteForShell(target.remoteUser)}
folder=${quoteForShell(target.workspaceFolder)}
set -- --user "$user" --workdir "$folder" -e TERM="\${TERM:-xterm}"
[ -r ${quoteForShell(env.network)} ] && set -- "$@" --env-file ${quoteForShell(env.network)}
[ -r ${quoteForShell(env.lines)} ] && set -- "$@" --env-file ${quoteForShell(env.lines)}
[ -r ${quoteForShell(env.script)} ] && . ${quoteForShell(env.script)}
for name in LANG COLORTERM TERM_PROGRAM TERM_PROGRAM_VERSION; do
  eval "value=\\\${$name-}"
  [ -n "$value" ] && set -- "$@" -e "$name=$value"
done
if [ -n "\${SSH_AUTH_SOCK-}" ]; then
  socket="/run/berth/\${SSH_AUTH_SOCK#/tmp/}"
  uid=$(docker exec --user "$user" "$container" id -u 2>/dev/null)
  [ "$uid" = "$(id -u)" ] || docker exec --user root "$container" chown -R "$uid" "\${socket%/*}" 2>/dev/null
  set -- "$@" -e SSH_AUTH_SOCK="$socket"
fi
[ -n "\${SSH_CONNECTION-}" ] && set -- "$@" -e SSH_CONNECTION="$SSH_CONNECTION"
login=${quoteForShell(loginShell)}
case "\${SSH_ORIGINAL_COMMAND-}" in
  sftp-server|*/sftp-server) exec docker exec -i "$@" "$container" /opt/berth/sftp-server ;;
  "") [ -n "\${SSH_TTY-}" ] && t=t || t=; exec docker exec -i$t "$@" "$container" /bin/sh -c "$login; exec \\"\\$SHELL\\" -l" ;;
  *) [ -n "\${SSH_TTY-}" ] && t=t || t=; exec docker exec -i$t "$@" -e BERTH_COMMAND="$SSH_ORIGINAL_COMMAND" "$container" /bin/sh -c "$login; c=\\$BERTH_COMMAND; unset BERTH_COMMAND; exec \\"\\$SHELL\\" -lc \\"\\$c\\"" ;;
esac
`;
}
