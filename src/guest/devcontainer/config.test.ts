import { expect, test } from "vitest";
import { parseConfig, parseSize, unmetRequirement } from "./config.ts";
import { classifyUpFailure } from "./devcontainer-cli.ts";
import { chooseConfig } from "./find-configs.ts";
import { readForwardPorts } from "./up.ts";

test("reads JSON with comments and says the line of a mistake", () => {
  expect(parseConfig('{ // c\n "dockerFile": "D", }', "x").dockerFile).toBe("D");
  expect(() => parseConfig('{\n "a": 1,\n "b" 2 }', ".devcontainer.json")).toThrow(/\.devcontainer\.json, line 3/);
});

test("prefers the standard places and asks when there are several others", () => {
  expect(chooseConfig([], "")).toEqual({ kind: "none" });
  expect(chooseConfig([".devcontainer/a/devcontainer.json"], "")).toMatchObject({ kind: "config" });
  expect(chooseConfig([".devcontainer/a/devcontainer.json", ".devcontainer/b/devcontainer.json"], "")).toMatchObject({ kind: "several" });
  expect(chooseConfig([".devcontainer.json", ".devcontainer/b/devcontainer.json"], "")).toEqual({
    kind: "config",
    path: ".devcontainer.json",
  });
  expect(chooseConfig([".devcontainer.json"], "nope.json")).toMatchObject({ kind: "missing" });
});

test("compares hostRequirements with the machine", () => {
  const machine = { cpus: 2, memoryBytes: 4 * 1024 ** 3, diskBytes: 64 * 1024 ** 3 };
  expect(parseSize("4gb")).toBe(4 * 1024 ** 3);
  expect(unmetRequirement({ hostRequirements: { cpus: 2, memory: "4gb" } }, machine)).toBeUndefined();
  expect(unmetRequirement({ hostRequirements: { cpus: 8 } }, machine)).toContain("8 CPUs");
});

test("joins forwardPorts and portsAttributes", () => {
  expect(
    readForwardPorts({
      forwardPorts: [3000, "db:5432"],
      portsAttributes: { 3000: { label: "web" }, 9229: { onAutoForward: "ignore" } },
    }).map(({ host, port, label, onAutoForward, alwaysForward }) => [host, port, label, onAutoForward, alwaysForward]),
  ).toEqual([
    ["localhost", 3000, "web", "", true],
    ["localhost", 9229, "", "ignore", false],
    ["db", 5432, "", "", true],
  ]);
});

test("tells a missing image from an unreachable registry", () => {
  expect(classifyUpFailure("failed to resolve source metadata for x: not found")).toBe("image-not-found");
  expect(classifyUpFailure("dial tcp: lookup registry.example: no such host")).toBe("registry-unreachable");
  expect(classifyUpFailure("exit code: 1")).toBe("devcontainer-failed");
});
