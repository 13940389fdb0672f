import { type ErrorCode, errorCatalogue } from "../../contract/error-catalogue.ts";

/** How long what a sentinel slows down takes; long enough to act while it goes on. */
const slowMs = 60_000;
const quickMs = 20;

/** What a repository's address makes happen: `https://simulated.test/<sentinel>.git`. */
export interface SimulatedCourse {
  readonly cloneMs: number;
  readonly buildMs: number;
  /** No job can be begun. */
  readonly beginFailure: { readonly code: ErrorCode; readonly message: string } | undefined;
  readonly cloneFailure: { readonly code: string; readonly message: string } | undefined;
  readonly buildFailure: { readonly code: string; readonly message: string } | undefined;
  /** The machine ends while the dev container is built, this often. */
  readonly crashes: number;
  /** Removing the working copy fails this often. */
  readonly deleteFailures: number;
  /** Configurations the repository has. */
  readonly configPaths: readonly string[];
  /** What listens in the container while it runs. */
  readonly ports: readonly { readonly port: number; readonly processName: string }[];
  /** Files of the working copy that were changed, and commits that were not pushed. */
  readonly changedFiles: readonly string[];
  readonly unpushedCommits: readonly string[];
  /** They are so new that nothing tells of them until git is looked at anew. */
  readonly justChanged: boolean;
  /** Lines that building prints. */
  readonly logLines: number;
  /** The configuration was changed after the container was made. */
  readonly drifted: boolean;
  readonly warning: string;
  /** What its configuration asks of its machine. */
  readonly neededMemoryBytes: number;
}

const usual: SimulatedCourse = {
  cloneMs: quickMs,
  buildMs: quickMs,
  beginFailure: undefined,
  cloneFailure: undefined,
  buildFailure: undefined,
  crashes: 0,
  deleteFailures: 0,
  configPaths: [".devcontainer/devcontainer.json"],
  ports: [],
  changedFiles: [],
  unpushedCommits: [],
  justChanged: false,
  logLines: 3,
  drifted: false,
  warning: "",
  neededMemoryBytes: 0,
};

const courses: Readonly<Record<string, Partial<SimulatedCourse>>> = {
  "fail-clone": { cloneFailure: { code: "repository-not-found", message: "remote: the repository was not found" } },
  "fail-build": { buildFailure: { code: "devcontainer-failed", message: "the Dockerfile's third step failed" } },
  "full-disk": { beginFailure: { code: "data-disk-full", message: "ENOSPC: no space left on device, mkdir '/data/env'" } },
  "fail-delete": { deleteFailures: 1 },
  "slow-clone": { cloneMs: slowMs },
  "slow-build": { buildMs: slowMs },
  "crash-in-build": { crashes: 1 },
  "crash-always": { crashes: Number.MAX_SAFE_INTEGER },
  "several-configs": { configPaths: [".devcontainer/a/devcontainer.json", ".devcontainer/b/devcontainer.json"] },
  unpushed: { changedFiles: ["README.md", "src/index.ts"], unpushedCommits: ["Say hello"] },
  "just-edited": { changedFiles: ["src/app.ts"], justChanged: true },
  "fail-image": { buildFailure: { code: "image-not-found", message: "registry.test/no-such-image: not found" } },
  dirty: { changedFiles: ["src/app.ts", "src/app.test.ts", "notes/todo.md"], unpushedCommits: ["Try another layout", "Mend the tests"] },
  noisy: { logLines: 20_000 },
  drifted: { drifted: true },
  warning: { warning: "lifecycle-command-failed: postCreateCommand ended with exit code 1" },
  "needs-4-gib": { neededMemoryBytes: 4 * 1024 ** 3 },
  "needs-4-tib": { neededMemoryBytes: 4 * 1024 ** 4 },
  web: { ports: [{ port: 3000, processName: "node" }] },
};

/** The sentinel of an address; empty for any other address and for folders. */
export function sentinelOf(remoteUri: string): string {
  return /^https:\/\/simulated\.test\/(?:.*\/)?([a-z0-9-]+?)(?:\.git)?$/.exec(remoteUri)?.[1] ?? "";
}

/** `error-<code>` fails with that code of the catalogue. */
export function courseOf(sentinel: string): SimulatedCourse {
  const code = sentinel.replace(/^error-/, "");
  if (code !== sentinel && isErrorCode(code)) return { ...usual, cloneFailure: { code, message: "what the machine said about it" } };
  return { ...usual, ...(Object.hasOwn(courses, sentinel) ? courses[sentinel] : {}) };
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code);
}

/** An image of this sha256 makes a machine that never gets as far as its agent. */
export const failBootImage = "fail-boot";
