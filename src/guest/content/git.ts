import type { ErrorCode } from "../../contract/error-catalogue.ts";

/** Transports git may use for what a person or a repository names; everything else (ext::, file://, fd::) is refused. */
const allowedSchemes = ["https", "http", "ssh"];

/**
 * Options before the subcommand that keep a hostile repository or address from running anything:
 * no hooks, no file-system monitor, only network transports.
 */
export const safeGitOptions: readonly string[] = [
  "-c",
  "core.hooksPath=/dev/null",
  "-c",
  "core.fsmonitor=false",
  "-c",
  "protocol.allow=never",
  ...allowedSchemes.flatMap((scheme) => ["-c", `protocol.${scheme}.allow=always`]),
  "-c",
  "credential.helper=",
  "-c",
  "credential.useHttpPath=true",
  "-c",
  "submodule.recurse=false",
  "-c",
  // A container's root may have made the working copy its own.
  "safe.directory=*",
];

/** The environment of every git process: no prompts, no configuration but ours. */
export const gitEnvironment: Readonly<Record<string, string>> = {
  GIT_TERMINAL_PROMPT: "0",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_SSH_COMMAND: "ssh -oBatchMode=yes -oStrictHostKeyChecking=accept-new -oConnectTimeout=20",
  GIT_LFS_SKIP_SMUDGE: "1",
  LC_ALL: "C",
};

/** Why git must not be given this address, or undefined. */
export function refuseRemote(uri: string): string | undefined {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u0020\u007f]/.test(uri)) return "it has a control character or a space in it";
  if (/^[a-z]+:\/\/\//i.test(uri)) return "it names no host";
  if (uri.startsWith("-")) return "it begins like an option";
  const scp = /^(?:[A-Za-z0-9._-]+@)?([A-Za-z0-9][A-Za-z0-9.-]*):(?!\/\/)(.+)$/.exec(uri);
  if (scp !== null && !uri.includes("::")) return scp[2]?.startsWith("-") === true ? "its path begins like an option" : undefined;
  let url: URL;
  try {
    url = new URL(uri);
  } catch {
    return "it is not a URL";
  }
  if (!allowedSchemes.includes(url.protocol.slice(0, -1))) return `git over ${url.protocol.slice(0, -1)} is not allowed`;
  if (url.hostname === "" || url.hostname.startsWith("-")) return "it names no host";
  if (decodeURIComponent(url.username).startsWith("-")) return "its user begins like an option";
  return undefined;
}

/** True for what may stand as a branch, tag or commit on git's command line. */
export function isSafeRef(ref: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9._/@+=#-]*$/.test(ref) && !ref.includes("..") && !ref.endsWith(".lock");
}

/** Turns what git said into a code of the catalogue. */
export function classifyGitFailure(stderr: string): ErrorCode {
  if (/No space left on device|disk quota exceeded/i.test(stderr)) return "data-disk-full";
  if (
    /certificate verification failed|certificate signer not trusted|certificate problem|unable to get local issuer certificate/i.test(
      stderr,
    )
  )
    return "certificate-untrusted";
  if (
    /Remote branch .* not found|couldn't find remote ref|not our ref|unable to read tree|pathspec .* did not match|reference is not a tree/i.test(
      stderr,
    )
  )
    return "ref-not-found";
  if (
    /terminal prompts disabled|could not read (Username|Password)|Authentication failed|HTTP Basic: Access denied|Permission denied \(|returned error: 40[13]|Host key verification failed/i.test(
      stderr,
    )
  )
    return "authentication-required";
  if (
    /repository .* not found|does not appear to be a git repository|returned error: 404|repository not found|not valid: is this a git repository/i.test(
      stderr,
    )
  )
    return "repository-not-found";
  if (
    /Could not resolve host|Failed to connect|Connection (refused|timed out|reset)|Network is unreachable|No route to host|Operation timed out|Couldn't connect|unable to access|early EOF|unexpected disconnect|SSL/i.test(
      stderr,
    )
  )
    return "repository-unreachable";
  return "clone-failed";
}
