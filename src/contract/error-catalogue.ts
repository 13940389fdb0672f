import { accessErrors } from "./access-errors.ts";
import { entry, type ErrorEntry } from "./error-entry.ts";
import { folderErrors } from "./folder-errors.ts";
import { gatewayErrors } from "./gateway-errors.ts";
import { planeErrors } from "./plane-errors.ts";
import { remoteErrors } from "./remote-errors.ts";
import { runnerErrors } from "./runner-errors.ts";
import { signInErrors } from "./sign-in-errors.ts";

/** One catalogue for the app and the CLI alike (P13). */
export const errorCatalogue = {
  ...accessErrors,
  ...folderErrors,
  ...gatewayErrors,
  ...planeErrors,
  ...remoteErrors,
  ...runnerErrors,
  ...signInErrors,
  "url-invalid": entry(
    "invalid_argument",
    "The repository address was not accepted",
    "It is not an https, http or ssh address of a git repository.",
    "Paste the address from your browser, e.g. https://github.com/owner/repository.",
  ),
  "repository-unreachable": entry(
    "unavailable",
    "The repository could not be reached",
    "Its server did not answer.",
    "Check the address, your network and VPN, then start the environment again.",
  ),
  "certificate-untrusted": entry(
    "failed_precondition",
    "The server's certificate is not trusted",
    "The machine does not know who issued it. In many companies a proxy reads what goes through it and has an authority of its own.",
    "Add the certificate of that authority in the settings, under Network, then start the environment again.",
  ),
  "repository-not-found": entry(
    "not_found",
    "The repository was not found",
    "It does not exist, or it is private and no credential was given.",
    "Check the address; for a private repository, sign in to its host first.",
  ),
  "authentication-required": entry(
    "failed_precondition",
    "The repository needs a credential",
    "Its server refused the anonymous request.",
    "Add a token for this host, then start the environment again.",
  ),
  "ref-not-found": entry(
    "not_found",
    "The branch, tag or commit was not found",
    "The repository has nothing of that name.",
    "Check the name; it may have been deleted after merging.",
  ),
  "clone-failed": entry(
    "internal",
    "The repository could not be cloned",
    "git ended with an error.",
    "Read the log; start the environment again when the cause is mended.",
  ),
  "folder-not-found": entry("not_found", "The folder was not found", "There is no such folder on this computer.", "Check the path."),
  "folder-unreadable": entry(
    "failed_precondition",
    "The folder could not be read",
    "A file in it cannot be opened.",
    "Check its permissions.",
  ),
  "upload-failed": entry(
    "unavailable",
    "The folder could not be copied into the machine",
    "The copy was interrupted.",
    "Try again; nothing was changed.",
  ),
  "devcontainer-invalid": entry(
    "failed_precondition",
    "The dev container configuration is broken",
    "devcontainer.json could not be read.",
    "Mend the file in the recovery container, then rebuild.",
  ),
  "devcontainer-choice": entry(
    "failed_precondition",
    "There are several dev container configurations",
    "The repository has more than one devcontainer.json and none was chosen.",
    "Choose one with --devcontainer PATH.",
  ),
  "devcontainer-failed": entry(
    "failed_precondition",
    "The dev container could not be built",
    "Building or starting it failed.",
    "Read the build log, mend the configuration in the recovery container, then rebuild.",
  ),
  "lifecycle-command-failed": entry(
    "failed_precondition",
    "A lifecycle command failed",
    "A command of devcontainer.json ended with an error.",
    "Read the log; the container works all the same.",
  ),
  "image-not-found": entry(
    "failed_precondition",
    "The container image was not found",
    "The registry does not have it, or it is private.",
    "Check the name in devcontainer.json, or sign in to the registry.",
  ),
  "registry-unreachable": entry(
    "unavailable",
    "The image registry could not be reached",
    "It did not answer.",
    "Check your network; images that are already here keep working.",
  ),
  timeout: entry(
    "deadline_exceeded",
    "It took too long",
    "A step did not end within its limit.",
    "Read the log for what it waited for, then start again.",
  ),
  "host-requirements": entry(
    "failed_precondition",
    "The machine is too small for this dev container",
    "hostRequirements asks for more than it has.",
    "Choose a larger class.",
  ),
  "name-taken": entry("already_exists", "The name is taken", "Another environment has this name.", "Choose another name."),
  "name-invalid": entry(
    "invalid_argument",
    "The name was not accepted",
    "A name has 1 to 80 letters, digits, spaces or . _ -.",
    "Choose another name.",
  ),
  "target-invalid": entry(
    "invalid_argument",
    "The target was not accepted",
    "It is neither a host's name, nor one with a port, nor an https address.",
    "Give something like example.org or example.org:443.",
  ),
  "setting-invalid": entry(
    "invalid_argument",
    "The setting was not changed",
    "This computer does not have so much, or what was given cannot be used there.",
    "Choose another value; what was set before still counts.",
  ),
  "environment-not-found": entry(
    "not_found",
    "The environment was not found",
    "No environment has this name or id.",
    "List them with: berth list",
  ),
  "environment-not-running": entry(
    "failed_precondition",
    "The environment is not running",
    "This needs a running environment.",
    "Start it with: berth start NAME",
  ),
  "environment-busy": entry(
    "failed_precondition",
    "The environment is busy",
    "Another operation on it has not ended.",
    "Wait for it, or stop the environment.",
  ),
  "uncommitted-work": entry(
    "failed_precondition",
    "The environment was not deleted",
    "It has changes that were not pushed anywhere.",
    "Push them, or delete with --force.",
  ),
  "confirmation-missing": entry(
    "failed_precondition",
    "The machine was not reset",
    "The names of the environments that would be lost were not confirmed.",
    "Repeat with the names of all environments on it.",
  ),
  "host-disk-full": entry(
    "resource_exhausted",
    "The disk of this computer is nearly full",
    "The machine needs free space to write to.",
    "Free some space, or delete environments you no longer need.",
  ),
  "data-disk-full": entry(
    "resource_exhausted",
    "The machine's disk is full",
    "Its data disk reached its limit.",
    "Delete environments or images you no longer need, or raise the limit.",
  ),
  "out-of-memory": entry(
    "resource_exhausted",
    "The machine ran out of memory",
    "A process was ended by the kernel.",
    "Give the machine more memory, or run less in it.",
  ),
  "machine-boot-failed": entry(
    "internal",
    "The machine did not start",
    "It did not become ready in time.",
    "Look at the console with: berth machine status --console. Your data is on its disk, untouched.",
  ),
  "machine-crashed": entry(
    "unavailable",
    "The machine ended unexpectedly",
    "The hypervisor's process is gone.",
    "Start the environment again; files written before are on its disk.",
  ),
  "machine-unreachable": entry(
    "unavailable",
    "The machine does not answer",
    "Its agent could not be reached.",
    "Restart the machine with: berth machine stop, then start the environment.",
  ),
  "machine-running": entry(
    "failed_precondition",
    "The machine is running",
    "This needs it to be off.",
    "Stop it first with: berth machine stop",
  ),
  "data-disk-read-only": entry(
    "failed_precondition",
    "The machine's disk is read-only",
    "It took an error, and nothing more is written to it. What was written before is safe.",
    "Restart the machine, which checks the disk: berth machine stop, then start the environment.",
  ),
  "suspend-failed": entry(
    "internal",
    "The machine was not suspended",
    "Its memory could not be saved; it runs on as before.",
    "Try again, or shut it down with: berth machine stop",
  ),
  "fork-unavailable": entry(
    "failed_precondition",
    "A new machine could not be made from the template",
    "The template is not suspended as it would have to be.",
    "Start the environment again; its machine then boots instead.",
  ),
  "computer-memory-short": entry(
    "failed_precondition",
    "This computer has not enough memory for another machine",
    "The machines that run take what it can spare.",
    "Suspend one of them with: berth machine suspend --machine NAME, or give machines less memory with: berth ui",
  ),
  "machine-not-found": entry("not_found", "The machine was not found", "There is no machine of this name.", "See: berth machine list"),
  "data-schema-too-new": entry(
    "failed_precondition",
    "The machine's disk is of a newer version",
    "A newer Berth wrote it, and this one could damage what is on it.",
    "Install that version of Berth again; nothing was changed. To begin anew without what is on it: berth machine reset",
  ),
  "data-migration-failed": entry(
    "internal",
    "The machine's disk could not be brought to the new version",
    "The new machine image did not finish its work on it.",
    "Nothing was lost: the disk is put back as it was before. Look at the console with: berth machine status --console",
  ),
  "upgrade-needs-space": entry(
    "resource_exhausted",
    "The machine was not brought to the new version",
    "Its disk is copied first, so that nothing can be lost, and this computer has too little space for that.",
    "Free as much space as the message says, then restart the machine; until then it runs as before.",
  ),
  "hypervisor-missing": entry(
    "failed_precondition",
    "The hypervisor was not found",
    "QEMU is not installed.",
    "Install it: sudo apt-get install qemu-system-x86 qemu-utils passt",
  ),
  "hypervisor-failed": entry("internal", "The hypervisor ended with an error", "It did not accept the machine.", "See berth doctor."),
  "image-missing": entry(
    "failed_precondition",
    "The machine image is not there",
    "It was not built or downloaded yet.",
    "Build it with: npm run image",
  ),
  "image-corrupt": entry(
    "failed_precondition",
    "The machine image is damaged",
    "Its checksum differs from its manifest.",
    "Build it again with: npm run image -- --force. Your data is on another disk.",
  ),
  "image-download-failed": entry(
    "unavailable",
    "The machine image could not be downloaded",
    "Neither its server nor a mirror gave it as it should be.",
    "Check your network and start the machine again: the download goes on where it ended. Or build it with: npm run image",
  ),
  "port-taken": entry(
    "already_exists",
    "The port is taken on this computer",
    "Another program listens on it.",
    "Another port was chosen; see: berth ports NAME",
  ),
  "too-many-ports": entry(
    "resource_exhausted",
    "The port is not forwarded",
    "An environment has at most 100 ports on this computer.",
    "Stop programs that listen and are not needed.",
  ),
  "host-running": entry(
    "already_exists",
    "Berth is already running",
    "Another Berth uses the same folder.",
    "Use that one, or set BERTH_HOME to another folder.",
  ),
  "host-not-running": entry("unavailable", "Berth is not running", "No host answers on its socket.", "Start it with: npm start"),
  "store-corrupt": entry(
    "internal",
    "Berth's database is damaged",
    "Its integrity check failed.",
    "Nothing was changed. Move the file away; a copy from before the last upgrade may lie beside it (README.md, Troubleshooting).",
  ),
  "store-too-new": entry(
    "failed_precondition",
    "Berth's database is of a newer version",
    "A newer Berth wrote it.",
    "Install that version again; nothing was changed.",
  ),
  "ssh-failed": entry(
    "unavailable",
    "The ssh connection could not be made",
    "The environment's ssh server did not answer.",
    "Check that it runs: berth show NAME",
  ),
  "terminal-not-found": entry(
    "not_found",
    "The terminal is gone",
    "It was closed, or its machine was started anew.",
    "Open a new terminal.",
  ),
  "terminal-limit": entry(
    "resource_exhausted",
    "No further terminal was opened",
    "There are as many as Berth keeps.",
    "Close one you no longer need.",
  ),
  "editor-unknown": entry(
    "invalid_argument",
    "The editor is not known",
    "Berth has no link for it.",
    "Use one of: vscode, vscode-insiders, cursor, windsurf, zed, jetbrains.",
  ),
  "environment-archived": entry(
    "failed_precondition",
    "The environment is archived",
    "An archived environment does not start.",
    "Take it out of the archive first (UnarchiveEnvironment).",
  ),
  "environment-expired": entry(
    "failed_precondition",
    "The environment may not start any more",
    "Its lifetime has ended.",
    "Create a new one, or set a later lockdown_at.",
  ),
  "request-invalid": entry(
    "invalid_argument",
    "The request was not accepted",
    "A field of it breaks a rule of the API.",
    "Mend the field that the message names.",
  ),
  "not-supported": entry(
    "unimplemented",
    "Berth cannot do this",
    "The API knows it, this version of Berth does not; nothing was changed.",
    "Leave the field that the message names empty.",
  ),
  "resource-not-found": entry("not_found", "It was not found", "Nothing has this id.", "List what there is, and use its id."),
  "resource-exists": entry(
    "already_exists",
    "It exists already",
    "Another one has the same name and place.",
    "Change that one, or delete it first.",
  ),
  "secret-value-hidden": entry(
    "permission_denied",
    "The value of a secret is not shown",
    "Values go to environments only, never back to a person or a program.",
    "Set a new value with UpdateSecretValue.",
  ),
  canceled: entry("canceled", "It was cancelled", "You asked for it.", "Nothing was lost; do it again when you like."),
  "argument-invalid": entry("invalid_argument", "The command was not understood", "An argument has the wrong form.", "See: berth help"),
  internal: entry("internal", "Something went wrong inside Berth", "This is a fault of ours.", "Please report it with the log."),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalogue;

/** The entry of a code that came over a wire; unknown codes read as internal. */
export function errorEntry(code: string): ErrorEntry {
  return Object.hasOwn(errorCatalogue, code) ? errorCatalogue[code as ErrorCode] : errorCatalogue.internal;
}
