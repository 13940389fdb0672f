import { EditorService } from "../../contract/gen/gitpod/v1/editor_pb.js";
import { EnvironmentAutomationService } from "../../contract/gen/gitpod/v1/environment_automation_pb.js";
import { EnvironmentService } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { EventService } from "../../contract/gen/gitpod/v1/event_pb.js";
import { SecretService } from "../../contract/gen/gitpod/v1/secret_pb.js";
import { EnvironmentOpsService } from "../../contract/gen/supervisor/v1/environmentopts_pb.js";
import { WorkspaceService } from "../../contract/gen/berth/v1/host_pb.js";
import {
  admins,
  type Grants,
  named,
  nobody,
  noTarget,
  optionalTarget,
  people,
  read,
  rowsOf,
  type ServiceRows,
  target,
  used,
  usedClass,
  write,
} from "./row.ts";

const environment = target("environment", "environmentId");
/** Who sees that it is there and how it is. */
const viewers: Grants = { user: "viewer", serviceAccount: "viewer", admin: "any", environmentsReader: "any", environment: "own" };
/** Who gets into it; administrators do not. */
const insiders: Grants = { user: "user", serviceAccount: "user", environment: "own" };
/** Who starts it and changes it. */
const users: Grants = { user: "user", serviceAccount: "user" };
/** Who puts it away or ends it. */
const keepers: Grants = { user: "admin", serviceAccount: "admin", admin: "any" };
const newEnvironment = [usedClass("spec.machine.class"), used("secret", "spec.secrets.id", { optional: true })];

const environments = rowsOf(EnvironmentService, {
  getEnvironment: read("environments", environment, viewers),
  listEnvironments: read("environments", noTarget, { ...people, environment: "own" }),
  listEnvironmentClasses: read("environments", noTarget, people),
  createEnvironment: write("environments", newEnvironment, people),
  createEnvironmentFromProject: write("environments", [used("project", "projectId"), ...newEnvironment], people),
  startEnvironment: write("environments", environment, users),
  stopEnvironment: write("environments", environment, { ...insiders, admin: "any" }),
  updateEnvironment: write("environments", environment, insiders),
  deleteEnvironment: write("environments", environment, keepers),
  createEnvironmentLogsToken: write("environments", environment, insiders),
  createEnvironmentAccessToken: write("environments", environment, users),
  createPortAccessToken: write("environments", environment, users),
  allowPortAccess: write("environments", environment, users),
  markEnvironmentActive: write("environments", environment, insiders),
  unarchiveEnvironment: write("environments", environment, keepers),
  archiveEnvironment: write("environments", environment, keepers),
});

const service = target("environmentService", "id");
const task = target("environmentTask", "id");
const execution = target("taskExecution", "id");
/** A command is given the value of a secret only by who could use it. */
const usedSecrets = [used("secret", "spec.env.valueFrom.secretRef.id", { optional: true })];

const automations = rowsOf(EnvironmentAutomationService, {
  createService: write("environments", [...environment, ...usedSecrets], insiders),
  getService: read("environments", service, viewers),
  listServices: read("environments", optionalTarget("environment", "filter.environmentIds"), viewers),
  updateService: write("environments", [...service, ...usedSecrets], insiders),
  deleteService: write("environments", service, insiders),
  startService: write("environments", service, insiders),
  stopService: write("environments", service, insiders),
  upsertAutomationsFile: write("environments", environment, insiders),
  createTask: write("environments", [...environment, ...usedSecrets], insiders),
  getTask: read("environments", task, viewers),
  listTasks: read("environments", optionalTarget("environment", "filter.environmentIds"), viewers),
  updateTask: write("environments", [...task, ...usedSecrets], insiders),
  deleteTask: write("environments", task, insiders),
  startTask: write("environments", task, insiders),
  listTaskExecutions: read("environments", optionalTarget("environment", "filter.environmentIds"), viewers),
  getTaskExecution: read("environments", execution, viewers),
  stopTaskExecution: write("environments", execution, insiders),
  updateTaskExecutionStatus: write("environments", execution, { environment: "own" }),
});

const auditors: Grants = { admin: "any", auditLogReader: "any" };

const events = rowsOf(EventService, {
  watchEvents: read("environments", optionalTarget("environment", "environmentId"), viewers),
  listAuditLogs: read("audit", noTarget, auditors),
  getAuditLog: read("audit", target("auditLogEntry", "auditLogEntryId"), auditors),
});

const editors = rowsOf(EditorService, {
  listEditors: read("environments", noTarget, people),
  getEditor: read("environments", noTarget, people),
  resolveEditorURL: read("environments", [...environment, named("organization", "organizationId", { optional: true })], users),
});

/** Where a new secret may be put, and whose secrets may be listed. */
const secretScope = (
  path: string,
  grants: { readonly project: Grants; readonly organization: Grants; readonly serviceAccount: Grants },
) => [
  { kind: "project" as const, path: `${path}projectId`, optional: true as const, grants: grants.project },
  { kind: "user" as const, path: `${path}userId`, optional: true as const, grants: { user: "own" as const } },
  { kind: "organization" as const, path: `${path}organizationId`, optional: true as const, grants: grants.organization },
  { kind: "serviceAccount" as const, path: `${path}serviceAccountId`, optional: true as const, grants: grants.serviceAccount },
];
const secretKeepers: Grants = { user: "editor", serviceAccount: "editor", admin: "any", projectsAdmin: "any" };
const secretReaders = { project: { ...secretKeepers, user: "user", serviceAccount: "user" }, organization: people } satisfies Record<
  string,
  Grants
>;
const ownServiceAccount: Grants = { serviceAccount: "own", admin: "any" };

const secrets = rowsOf(SecretService, {
  createSecret: write(
    "secrets",
    [
      ...secretScope("scope.", { project: secretKeepers, organization: admins, serviceAccount: ownServiceAccount }),
      { kind: "project", path: "projectId", optional: true, grants: secretKeepers },
    ],
    people,
  ),
  updateSecretValue: write("secrets", target("secret", "secretId"), secretKeepers),
  listSecrets: read(
    "secrets",
    [
      ...secretScope("filter.scope.", { ...secretReaders, serviceAccount: ownServiceAccount }),
      { kind: "project", path: "filter.projectIds", optional: true, grants: secretReaders.project },
    ],
    people,
  ),
  deleteSecret: write("secrets", target("secret", "secretId"), secretKeepers),
  // An environment owns, in this sense, the secrets of its own spec and no other.
  getSecretValue: read("secrets", target("secret", "secretId"), { environment: "own" }),
});

const endpoint = target("environment", "endpoint");

const operations = rowsOf(EnvironmentOpsService, {
  getGitStatus: read("environments", endpoint, insiders),
  getGitDiff: read("environments", endpoint, insiders),
  getFileDiffContent: read("environments", endpoint, insiders),
  getGitDiffFiles: read("environments", endpoint, insiders),
  getDefaultBranch: read("environments", endpoint, insiders),
  find: read("environments", endpoint, insiders),
  readFile: read("environments", endpoint, insiders),
  writeFile: write("environments", endpoint, insiders),
  createTerminal: write("environments", endpoint, insiders),
  readTerminal: read("environments", endpoint, insiders),
  writeTerminal: write("environments", endpoint, insiders),
  resizeTerminal: write("environments", endpoint, insiders),
  closeTerminal: write("environments", endpoint, insiders),
  listTerminals: read("environments", endpoint, insiders),
  attachTerminal: read("environments", endpoint, insiders),
  exec: write("environments", endpoint, insiders),
  cancelExec: write("environments", endpoint, insiders),
  watch: read("environments", endpoint, insiders),
  listTerminalProfiles: read("environments", endpoint, insiders),
  listCapabilities: read("environments", endpoint, insiders),
  startBrowser: write("environments", endpoint, insiders),
});

const workspace = rowsOf(WorkspaceService, {
  watch: read("environments", noTarget, people),
  getDetails: read("environments", environment, viewers),
  getEnvironmentUsage: read("environments", optionalTarget("environment", "environmentIds"), viewers),
  watchLog: read("environments", environment, insiders),
  // A folder of the computer that the host runs on.
  createFromFolder: write("environments", noTarget, nobody),
  rebuild: write("environments", environment, users),
  dialSsh: write("environments", environment, users),
  // One that names no environment is for the machine itself, which is its host's alone.
  exec: write("environments", target("environment", "start.environmentId"), users),
  getSshConfig: read("environments", environment, users),
  refreshGitState: read("environments", optionalTarget("environment", "environmentIds"), users),
});

export const environmentRows: readonly ServiceRows[] = [environments, automations, events, editors, secrets, operations, workspace];
