import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { type EnvironmentAction, environmentActions, whyEnvironmentCannot } from "./environment-can.ts";
import { EnvironmentPhase, EnvironmentSchema } from "./gen/gitpod/v1/environment_pb.js";

const { CREATING, STARTING, RUNNING, STOPPING, STOPPED, DELETING, DELETED, UNSPECIFIED } = EnvironmentPhase;

function environment(
  phase: EnvironmentPhase,
  desiredPhase: EnvironmentPhase,
  { folder = "/workspaces/app", failureMessage = [] }: { readonly folder?: string; readonly failureMessage?: string[] } = {},
) {
  const devcontainer = { remoteWorkspaceFolder: folder };
  return create(EnvironmentSchema, { spec: { desiredPhase }, status: { phase, devcontainer, failureMessage } });
}

/** What may be done; everything else may not. */
test.each<[string, EnvironmentPhase, EnvironmentPhase, EnvironmentAction[]]>([
  ["just created", CREATING, RUNNING, ["stop", "rename", "delete"]],
  ["starting", STARTING, RUNNING, ["stop", "rename", "delete"]],
  ["running", RUNNING, RUNNING, ["stop", "restart", "rebuild", "rename", "delete", "open-editor", "connect-ssh"]],
  ["asked to stop a moment ago", RUNNING, STOPPED, ["start", "rename", "delete"]],
  ["stopping", STOPPING, STOPPED, ["start", "rename", "delete"]],
  ["stopped", STOPPED, STOPPED, ["start", "rename", "delete"]],
  ["failed to start", STOPPED, RUNNING, ["start", "rename", "delete"]],
  ["asked to be deleted a moment ago", RUNNING, DELETED, []],
  ["being deleted", DELETING, DELETED, []],
  ["deleted", DELETED, DELETED, []],
  ["of no known state", UNSPECIFIED, UNSPECIFIED, ["start", "stop", "rename", "delete"]],
])("an environment that is %s", (_what, phase, wished, allowed) => {
  const may = environmentActions.filter((action) => whyEnvironmentCannot(action, environment(phase, wished)) === undefined);
  expect(may).toEqual(allowed);
});

test("the reasons say what stands in the way", () => {
  expect(whyEnvironmentCannot("start", environment(RUNNING, RUNNING))).toBe("already-running");
  expect(whyEnvironmentCannot("start", environment(STARTING, RUNNING))).toBe("already-starting");
  expect(whyEnvironmentCannot("stop", environment(STOPPED, RUNNING))).toBe("already-stopped");
  expect(whyEnvironmentCannot("stop", environment(STOPPING, STOPPED))).toBe("already-stopping");
  expect(whyEnvironmentCannot("rebuild", environment(STOPPED, STOPPED))).toBe("not-running");
  expect(whyEnvironmentCannot("open-editor", environment(RUNNING, RUNNING, { folder: "" }))).toBe("no-folder");
  expect(whyEnvironmentCannot("delete", environment(DELETING, DELETED))).toBe("being-deleted");
});

test.each<[EnvironmentAction, EnvironmentPhase, EnvironmentPhase]>([
  ["delete", DELETING, DELETED],
  ["stop", STOPPING, STOPPED],
])("a %s that failed may be tried again", (action, phase, wished) => {
  const failed = environment(phase, wished, { failureMessage: ["internal: the disk has errors"] });
  expect(whyEnvironmentCannot(action, failed)).toBeUndefined();
});
