import { createHash } from "node:crypto";
import { homedir, tmpdir, userInfo } from "node:os";
import { join, resolve } from "node:path";

/** Every name Berth uses on this computer's disk. */
export interface BerthPaths {
  readonly home: string;
  /** Sockets; short, because a socket's path has at most 103 bytes, and without blanks, because vfkit makes URLs of them. */
  readonly run: string;
  readonly apiSocket: string;
  readonly logs: string;
  readonly hostLog: string;
  readonly settings: string;
  readonly networkSettings: string;
  readonly sharedFolders: string;
  /** Remote planes, with what is kept of each. */
  readonly contexts: string;
  readonly database: string;
  readonly keyFile: string;
  readonly machines: string;
  /** The machine images that machines of this computer boot. */
  readonly images: string;
  readonly sshFolder: string;
  readonly sshConfig: string;
  readonly knownHosts: string;
}

const maxRunFolderBytes = 70;
/** What no URL escapes. */
const plainPathPattern = /^[A-Za-z0-9/._~-]+$/;

/** Where Berth's files are: below BERTH_HOME when set, else in the platform's own place. */
export function berthPaths(env: NodeJS.ProcessEnv): BerthPaths {
  const home = env["BERTH_HOME"] !== undefined && env["BERTH_HOME"] !== "" ? resolve(env["BERTH_HOME"]) : defaultHome(env);
  const direct = join(home, "run");
  const run =
    Buffer.byteLength(direct) <= maxRunFolderBytes && plainPathPattern.test(direct)
      ? direct
      : join(env["XDG_RUNTIME_DIR"] ?? tmpdir(), `berth-${userInfo().uid}-${createHash("sha256").update(home).digest("hex").slice(0, 8)}`);
  return {
    home,
    run,
    apiSocket: join(run, "api.sock"),
    logs: join(home, "logs"),
    hostLog: join(home, "logs", "host.log"),
    settings: join(home, "settings.json"),
    networkSettings: join(home, "network.json"),
    sharedFolders: join(home, "shared-folders.json"),
    contexts: join(home, "contexts"),
    database: join(home, "store", "berth.db"),
    keyFile: join(home, "keys", "secrets.key"),
    machines: join(home, "machines"),
    images: join(home, "images"),
    sshFolder: join(home, "ssh"),
    sshConfig: join(home, "ssh", "config"),
    knownHosts: join(home, "ssh", "known_hosts"),
  };
}

function defaultHome(env: NodeJS.ProcessEnv): string {
  if (process.platform === "darwin") return join(homedir(), "Library", "Application Support", "Berth");
  return join(env["XDG_DATA_HOME"] ?? join(homedir(), ".local", "share"), "berth");
}
