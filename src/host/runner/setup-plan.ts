import { basename, join } from "node:path";
import { runnerHome, runnerUnit, type SetupRequest, type UninstallRequest } from "../../lib/runner-messages.ts";
import type { RunnerConfigFile } from "./runner-config.ts";
import { type RunnerPaths, runnerPaths } from "./runner-paths.ts";

/**
 * One change to a computer. Doing it again when it is done already changes nothing. Paths are below the root.
 * What is below the runner's home is done as the runner's user: who has taken that user over cannot make root follow
 * its links.
 */
export type SetupStep =
  | { readonly kind: "write-file"; readonly path: string; readonly mode: number; readonly content: string }
  | { readonly kind: "make-home"; readonly path: string; readonly user: string }
  | { readonly kind: "make-folder"; readonly path: string; readonly mode: number }
  | { readonly kind: "copy-version"; readonly version: string; readonly path: string }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | { readonly kind: "run"; readonly program: string; readonly args: readonly string[] }
  /** Uses the exchange token, which works once. */
  | { readonly kind: "enrol"; readonly planeUrl: string; readonly before: string | undefined; readonly credentialPath: string }
  /** From then on it is no runner of that plane; environments stay on the disk. */
  | { readonly kind: "leave-plane"; readonly planeUrl: string; readonly path: string }
  | { readonly kind: "remove"; readonly path: string };

export const runnerUser = "berth";
const sysusersFile = "/etc/sysusers.d/berth-runner.conf";
const unitFile = `/etc/systemd/system/${runnerUnit}`;
const sysusersContent = `u ${runnerUser} - "Berth runner" ${runnerHome}\nm ${runnerUser} kvm\n`;

/** What a set-up does, in its order: whatever may fail for reasons outside of this computer comes before the service exists. */
export function planSetup(options: {
  readonly request: SetupRequest;
  /** The plane whose runner it is until now. */
  readonly before: string | undefined;
  readonly version: string;
  /** The unit as text. */
  readonly unit: string;
}): SetupStep[] {
  const { request, before, version, unit } = options;
  const paths = runnerPaths(runnerHome);
  const home: readonly SetupStep[] = [
    { kind: "make-home", path: paths.home, user: runnerUser },
    { kind: "make-folder", path: join(paths.home, "keys"), mode: 0o700 },
    { kind: "make-folder", path: join(paths.home, "store"), mode: 0o700 },
    { kind: "make-folder", path: paths.versions, mode: 0o700 },
    { kind: "copy-version", version, path: join(paths.versions, version) },
    { kind: "link", path: paths.good, target: join("versions", version) },
    { kind: "link", path: paths.current, target: join("versions", version) },
    { kind: "write-file", path: paths.config, mode: 0o600, content: `${JSON.stringify(configOf(request), undefined, 2)}\n` },
  ];
  return [
    { kind: "write-file", path: sysusersFile, mode: 0o644, content: sysusersContent },
    { kind: "run", program: "systemd-sysusers", args: [...rootArguments(request.root), basename(sysusersFile)] },
    ...home,
    ...enrolment(request, before, paths),
    { kind: "write-file", path: unitFile, mode: 0o644, content: unit },
    { kind: "run", program: "systemctl", args: [...rootArguments(request.root), "enable", runnerUnit] },
    ...(isThisComputer(request.root) ? reload("restart", runnerUnit) : []),
  ];
}

/** What removing a runner does. Its data goes only when it is said; who it was to the plane always. */
export function planUninstall({ root, deleteData }: Pick<UninstallRequest, "root" | "deleteData">): SetupStep[] {
  const paths = runnerPaths(runnerHome);
  return [
    ...(isThisComputer(root) ? [run("systemctl", "stop", runnerUnit)] : []),
    { kind: "run", program: "systemctl", args: [...rootArguments(root), "disable", runnerUnit] },
    { kind: "remove", path: unitFile },
    ...(isThisComputer(root) ? [run("systemctl", "daemon-reload")] : []),
    { kind: "remove", path: paths.credential },
    // The user stays where files are that belong to it: its number must not become another's.
    ...(deleteData ? ([{ kind: "remove", path: paths.home }] as const) : []),
    { kind: "remove", path: sysusersFile },
  ];
}

/** What a step does, for people. */
export function describeStep(step: SetupStep): string {
  switch (step.kind) {
    case "write-file":
      return `write ${step.path} (mode ${octal(step.mode)})`;
    case "make-home":
      return `make the folder ${step.path} (mode 0700) and give it to the user ${step.user}`;
    case "make-folder":
      return `make the folder ${step.path} (mode ${octal(step.mode)})`;
    case "copy-version":
      return `copy version ${step.version} of Berth to ${step.path}`;
    case "link":
      return `link ${step.path} to ${step.target}`;
    case "run":
      return `run ${[step.program, ...step.args].join(" ")}`;
    case "enrol":
      return `${leaving(step)}exchange the token with ${step.planeUrl} and keep what comes of it in ${step.credentialPath} (mode 0600)`;
    case "leave-plane":
      return `leave the plane ${step.planeUrl}, where the runner is then to be deleted, and remove ${step.path}; its environments stay on the disk`;
    case "remove":
      return `remove ${step.path}`;
  }
}

function leaving({ planeUrl, before }: Extract<SetupStep, { readonly kind: "enrol" }>): string {
  return before === undefined || before === planeUrl ? "" : `leave the plane ${before}, `;
}

function configOf({ planeUrl, metricsPort, channel, updateFeed, updateWindow }: SetupRequest): RunnerConfigFile {
  return {
    version: 1,
    ...(planeUrl === undefined ? {} : { planeUrl }),
    ...(metricsPort === undefined ? {} : { metricsPort }),
    update: {
      channel,
      ...(updateFeed === undefined ? {} : { feed: updateFeed }),
      ...(updateWindow === undefined ? {} : { window: updateWindow }),
    },
  };
}

function enrolment(
  { exchangeToken, planeUrl, standAlone }: SetupRequest,
  before: string | undefined,
  { credential }: RunnerPaths,
): SetupStep[] {
  if (standAlone && before !== undefined) return [{ kind: "leave-plane", planeUrl: before, path: credential }];
  return exchangeToken === undefined || planeUrl === undefined ? [] : [{ kind: "enrol", planeUrl, before, credentialPath: credential }];
}

function reload(...args: readonly [string, string]): SetupStep[] {
  return [run("systemctl", "daemon-reload"), run("systemctl", ...args)];
}

function run(program: string, ...args: readonly string[]): SetupStep {
  return { kind: "run", program, args };
}

function isThisComputer(root: string): boolean {
  return root === "/";
}

function rootArguments(root: string): string[] {
  return isThisComputer(root) ? [] : [`--root=${root}`];
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
