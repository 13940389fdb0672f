import { create, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import type { HostState } from "../contract/desktop-bridge.ts";
import { EnvironmentDetailsSchema, MachineState, WatchResponseSchema } from "../contract/gen/berth/v1/host_pb.js";
import { EnvironmentPhase, EnvironmentSchema } from "../contract/gen/gitpod/v1/environment_pb.js";
import { type MenuItemModel, menuModel } from "./menu-model.ts";
import { noticesOf, unseenFailures } from "./notices.ts";
import { applyWatch, busyEnvironments, emptyState, type ShellEnvironment, type ShellState } from "./shell-state.ts";
import { shellText } from "./text.ts";
import { trayModel } from "./tray-model.ts";

const all = { notifyReady: true, notifyFailed: true, notifyPorts: true };
const text = shellText("en-GB");
const host: HostState = { phase: "running", recentEnds: 0, message: "" };

function environment(change: Partial<ShellEnvironment>): ShellEnvironment {
  return { id: "a", name: "web", source: "", phase: EnvironmentPhase.RUNNING, failure: "", ports: [], createdAtMs: 0, ...change };
}

function stateOf(...environments: ShellEnvironment[]): ShellState {
  return { connected: true, environments, machine: MachineState.READY };
}

function labels(items: readonly MenuItemModel[]): string[] {
  return items.flatMap((item) => {
    if (item.type === "separator") return ["-"];
    if (item.type === "role") return [item.role];
    return item.type === "submenu" ? [item.label, ...labels(item.items).map((label) => `${item.label} > ${label}`)] : [item.label];
  });
}

test("a watch is folded into what menus show", () => {
  const bytes = toBinary(
    EnvironmentSchema,
    create(EnvironmentSchema, {
      id: "a",
      metadata: { name: "web" },
      spec: { content: { initializer: { specs: [{ spec: { case: "contextUrl", value: { url: "https://a.test/o/web" } } }] } } },
      status: { phase: EnvironmentPhase.RUNNING },
    }),
  );
  const details = create(EnvironmentDetailsSchema, {
    ports: [
      { containerPort: 3000, url: "http://127.0.0.1:3000", listening: true, processName: "node" },
      { containerPort: 4000, listening: false },
    ],
  });
  const apply = (state: ShellState, event: Parameters<typeof create<typeof WatchResponseSchema>>[1]): ShellState =>
    applyWatch(state, create(WatchResponseSchema, event));
  const snapshot = apply(emptyState, {
    event: { case: "snapshot", value: { environments: [{ environment: bytes, details }], machines: [{ state: MachineState.READY }] } },
  });
  expect(snapshot).toEqual({
    connected: true,
    machine: MachineState.READY,
    environments: [environment({ source: "https://a.test/o/web", ports: [{ port: 3000, url: "http://127.0.0.1:3000", label: "node" }] })],
  });
  expect(apply(snapshot, { event: { case: "machine", value: { state: MachineState.OFF } } }).machine).toBe(MachineState.OFF);
  expect(apply(snapshot, { event: { case: "removedEnvironmentId", value: "a" } }).environments).toEqual([]);
});

test("ready, failed and an opened port are told, and lead to their place", () => {
  const starting = stateOf(environment({ phase: EnvironmentPhase.STARTING }));
  const running = stateOf(environment({}));
  const listening = stateOf(environment({ ports: [{ port: 3000, url: "http://127.0.0.1:1", label: "node" }] }));
  expect(noticesOf(starting, running, all)).toEqual([
    { kind: "ready", environmentId: "a", name: "web", detail: "", route: "/environments/a/overview" },
  ]);
  expect(noticesOf(running, listening, all)).toMatchObject([{ kind: "port", detail: "3000 (node)", route: "/environments/a/ports" }]);
  expect(noticesOf(starting, stateOf(environment({ failure: "clone-failed: x" })), all)).toMatchObject([{ kind: "failed" }]);
});

test("a port that was seen before its environment ran is told with it; of many ports none is", () => {
  const ports = [3000, 3001, 3002].map((port) => ({ port, url: "http://127.0.0.1:1", label: "" }));
  const starting = stateOf(environment({ phase: EnvironmentPhase.STARTING, ports: ports.slice(0, 1) }));
  expect(noticesOf(starting, stateOf(environment({ ports: ports.slice(0, 1) })), all).map(({ kind }) => kind)).toEqual(["ready", "port"]);
  expect(noticesOf(starting, stateOf(environment({ ports })), all).map(({ kind }) => kind)).toEqual(["ready"]);
});

test("nothing is told of what was there before, of what a person did not want to hear, and of a crowd", () => {
  const starting = stateOf(environment({ phase: EnvironmentPhase.STARTING }));
  const running = stateOf(environment({}));
  expect(noticesOf(emptyState, running, all)).toEqual([]);
  expect(noticesOf(running, running, all)).toEqual([]);
  expect(noticesOf(starting, running, { ...all, notifyReady: false })).toEqual([]);
  const ids = ["a", "b", "c", "d"];
  expect(
    noticesOf(
      stateOf(...ids.map((id) => environment({ id, phase: EnvironmentPhase.STARTING }))),
      stateOf(...ids.map((id) => environment({ id }))),
      all,
    ),
  ).toEqual([]);
});

test("a failure counts on the icon until it was seen", () => {
  const failed = stateOf(environment({ failure: "x" }), environment({ id: "b" }));
  expect(unseenFailures(failed, new Set())).toEqual(["a"]);
  expect(unseenFailures(failed, new Set(["a"]))).toEqual([]);
});

test("the tray shows what runs and asks what becomes of it", () => {
  const state = stateOf(environment({}), environment({ id: "b", name: "old", phase: EnvironmentPhase.STOPPED }));
  expect(labels(trayModel({ state, host, recent: ["https://github.com/o/r.git"], text }))).toEqual([
    "Open Berth",
    "New Environment…",
    "New from Recent Repository",
    "New from Recent Repository > o/r",
    "-",
    "web",
    "web > Open",
    "web > Stop",
    "-",
    "Machine: ready",
    "-",
    "Quit",
    "Quit > Leave Environments Running",
    "Quit > Suspend Environments",
    "Quit > Stop Environments",
  ]);
  expect(labels(trayModel({ state: stateOf(), host, recent: [], text }))).toEqual([
    "Open Berth",
    "New Environment…",
    "-",
    "No environment is running",
    "-",
    "Machine: ready",
    "-",
    "Quit Berth",
  ]);
  expect(labels(trayModel({ state, host: { ...host, phase: "failed" }, recent: [], text }))).toContain("Berth’s host ended");
});

test("the menu has the app's own menu on a Mac alone, and both languages have every word", () => {
  expect(menuModel(text, "darwin").map((item) => (item.type === "submenu" ? item.label : ""))).toEqual([
    "Berth",
    "File",
    "Edit",
    "View",
    "Window",
    "Help",
  ]);
  expect(labels(menuModel(shellText("de-DE"), "linux"))).toContain("Ablage > Berth beenden");
  expect(labels(menuModel(text, "linux")).filter((label) => /reload|devtools/i.test(label))).toEqual([]);
});

test("what is being done keeps an update waiting", () => {
  expect(
    busyEnvironments(stateOf(environment({}), environment({ id: "b", phase: EnvironmentPhase.CREATING }))).map(({ id }) => id),
  ).toEqual(["b"]);
});
