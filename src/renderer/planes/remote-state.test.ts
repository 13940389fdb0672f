import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { RemoteEnvironmentSchema, WaitingChange_Kind as Kind, WaitingChangeSchema } from "../../contract/gen/berth/v1/context_pb.js";
import { EnvironmentPhase } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { isInTransition, remoteState, whyRemoteCannot } from "./remote-state.ts";

const { RUNNING, STOPPED, STARTING, DELETED, UNSPECIFIED } = EnvironmentPhase;

function remote(phase: EnvironmentPhase, desiredPhase: EnvironmentPhase, ...failures: string[]) {
  return create(RemoteEnvironmentSchema, { phase, desiredPhase, failures });
}

function waiting(kind: Kind, needsConfirmation = false) {
  return [create(WaitingChangeSchema, { kind, needsConfirmation })];
}

test("the state says what will be, from the moment the plane was told of it", () => {
  expect(remoteState(remote(STOPPED, RUNNING))).toBe("starting");
  expect(remoteState(remote(RUNNING, STOPPED))).toBe("stopping");
  expect(remoteState(remote(RUNNING, DELETED))).toBe("deleting");
  expect(remoteState(remote(STOPPED, RUNNING, "machine-boot-failed: no disk"))).toBe("failed");
  expect(remoteState(remote(RUNNING, RUNNING, "devcontainer-failed: no such image"))).toBe("recovery");
  expect(remoteState(remote(UNSPECIFIED, UNSPECIFIED))).toBeUndefined();
  expect(isInTransition(remote(STARTING, RUNNING))).toBe(true);
  expect(isInTransition(remote(STOPPED, STOPPED))).toBe(false);
});

test("what waits for the plane counts, and what is to be deleted takes nothing else unless that is asked again", () => {
  expect(whyRemoteCannot("start", remote(RUNNING, RUNNING), [])).toBe("already-running");
  expect(whyRemoteCannot("start", remote(RUNNING, RUNNING), waiting(Kind.STOP))).toBeUndefined();
  expect(whyRemoteCannot("start", remote(STOPPED, STOPPED), waiting(Kind.START))).toBe("waits");
  expect(whyRemoteCannot("stop", remote(RUNNING, RUNNING), waiting(Kind.DELETE))).toBe("deletion-waits");
  expect(whyRemoteCannot("delete", remote(RUNNING, RUNNING), waiting(Kind.DELETE))).toBe("waits");
  expect(whyRemoteCannot("delete", remote(RUNNING, RUNNING), waiting(Kind.DELETE, true))).toBeUndefined();
  expect(whyRemoteCannot("start", remote(STOPPED, RUNNING), [])).toBe("already-starting");
});

test("who wants in is told what keeps one out, also where the plane was not told of it yet", () => {
  expect(whyRemoteCannot("connect-ssh", remote(RUNNING, RUNNING), [])).toBeUndefined();
  expect(whyRemoteCannot("connect-ssh", remote(RUNNING, RUNNING, "devcontainer-failed: no such image"), [])).toBeUndefined();
  expect(whyRemoteCannot("connect-ssh", remote(STARTING, RUNNING), [])).toBe("already-starting");
  expect(whyRemoteCannot("connect-ssh", remote(STOPPED, STOPPED), [])).toBe("not-running");
  expect(whyRemoteCannot("connect-ssh", remote(RUNNING, RUNNING), waiting(Kind.STOP))).toBe("not-running");
  expect(whyRemoteCannot("connect-ssh", remote(RUNNING, RUNNING), waiting(Kind.DELETE))).toBe("deletion-waits");
});
