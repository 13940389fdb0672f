import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { MachineHealth } from "./health.ts";

test("docker is missed once it was there, or when it never comes, and a change is told once", async () => {
  let answers = false;
  let told = 0;
  const health = new MachineHealth({
    dataFolder: tmpdir(),
    bootWarnings: () => [],
    dockerAnswers: () => answers,
    now: () => 0,
  });
  health.onChange(() => told++);
  await health.look();
  answers = true;
  await health.look();
  expect(told).toBe(0);
  answers = false;
  await health.look();
  await health.look();
  expect(health.warnings.join()).toContain("Docker does not answer");
  answers = true;
  await health.look();
  expect(health.warnings).toEqual([]);
  expect(told).toBe(2);
});
