import { expect, test } from "vitest";
import { MachineState } from "../contract/gen/berth/v1/host_pb.js";
import { EnvironmentPhase } from "../contract/gen/gitpod/v1/environment_pb.js";
import { quitCalls, quitChoice } from "./quit.ts";
import type { ShellState } from "./shell-state.ts";

const idle: ShellState = { connected: true, environments: [], machine: MachineState.READY };
const working: ShellState = {
  ...idle,
  environments: [{ id: "a", name: "a", source: "", phase: EnvironmentPhase.RUNNING, failure: "", ports: [], createdAtMs: 0 }],
};

test("a person is asked only while something runs and nothing was said before", () => {
  expect(quitChoice(undefined, "ask", working)).toBe("ask");
  expect(quitChoice(undefined, "leave", working)).toBe("leave");
  expect(quitChoice("stop", "ask", working)).toBe("stop");
  expect(quitChoice(undefined, "ask", idle)).toBe("suspend");
});

test("left running, suspended and stopped differ", () => {
  expect(quitCalls("leave")).toEqual({ stopMachine: false, keepMachines: true });
  expect(quitCalls("suspend")).toEqual({ stopMachine: false, keepMachines: false });
  expect(quitCalls("stop")).toEqual({ stopMachine: true, keepMachines: false });
});
