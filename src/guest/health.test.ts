import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { isReadOnly, MachineHealth } from "./health.ts";

test("a mount that became read-only is seen, and only the one that counts", () => {
  const mounts = "/dev/vdb /data ext4 rw,noatime 0 0\n/dev/vda / erofs ro 0 0\n/dev/vdb /data/x ext4 ro 0 0\n";
  expect(isReadOnly(mounts, "/data")).toBe(false);
  expect(isReadOnly(`${mounts}/dev/vdb /data ext4 ro,noatime 0 0\n`, "/data")).toBe(true);
  expect(isReadOnly(mounts, "/nowhere")).toBe(false);
});

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
