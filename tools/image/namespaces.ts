import { spawn, spawnSync } from "node:child_process";
import { say } from "./progress.ts";

/** What flock ends with when another process holds the lock. */
const lockedExitCode = 75;

/** Where a build runs: processes, mounts and, without root, users of its own. */
function namespaceArguments(): string[] {
  const users = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user", "--map-auto"];
  return ["unshare", ...users, "--mount", "--pid", "--fork", "--kill-child"];
}

/** Says why a build cannot run on this computer, before anything is made. */
export function checkNamespaces(): void {
  const [program = "", ...args] = namespaceArguments();
  const result = spawnSync(program, [...args, "--", "true"], { encoding: "utf8" });
  if (result.status === 0) return;
  const reason = result.error?.message ?? result.stderr.trim();
  if (process.getuid?.() === 0) throw new Error(`the build cannot have mounts and processes of its own here: ${reason}`);
  throw new Error(
    `the image is built as root or in a user namespace, and this computer lets you have none: ${reason}\n` +
      "Run it with sudo, or install newuidmap (sudo apt-get install uidmap), give yourself ids in /etc/subuid and /etc/subgid, " +
      "and allow user namespaces (on Ubuntu: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0).",
  );
}

/**
 * Runs a program of ours alone of its kind, with `input` on its standard input, which stays open as long as this
 * process lives. The lock goes with the last of its processes. Rejects when the signal aborts, after all are gone.
 */
export async function runAlone(options: {
  readonly lockPath: string;
  readonly argv: readonly string[];
  readonly input: string;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { lockPath, argv, input, signal } = options;
  const attempt = async (flags: readonly string[]): Promise<number | null> => {
    const child = spawn(
      "flock",
      ["--no-fork", "--conflict-exit-code", String(lockedExitCode), ...flags, lockPath, ...namespaceArguments(), "--", ...argv],
      {
        // Its own session: a terminal's Ctrl-C comes here first, so that the work folder is removed after the last process.
        detached: true,
        stdio: ["pipe", "inherit", "inherit"],
      },
    );
    child.stdin.on("error", () => undefined);
    child.stdin.write(`${input}\n`);
    const end = (): void => void child.kill("SIGKILL");
    signal.addEventListener("abort", end);
    try {
      return await new Promise((resolve, reject) => {
        child.on("error", reject);
        child.on("exit", (code) => resolve(code));
      });
    } finally {
      signal.removeEventListener("abort", end);
    }
  };
  let code = await attempt(["--nonblock"]);
  if (code === lockedExitCode && !signal.aborted) {
    say("another build runs here; waiting for it");
    code = await attempt([]);
  }
  signal.throwIfAborted();
  if (code !== 0) throw new Error("the image was not made");
}

/** Removes what a build owned, which without root belongs to ids of its namespace. */
export function removeOwned(path: string): void {
  const [program = "", ...args] = process.getuid?.() === 0 ? ["rm"] : [...namespaceArguments(), "--", "rm"];
  spawnSync(program, [...args, "-rf", "--", path], { stdio: "ignore" });
}
