import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { JobError, jobErrorCode } from "./job.ts";
import { JobStore } from "./job-store.ts";

const environmentId = "01900000-0000-7000-8000-000000000001";
let folder: string;
let jobs: JobStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-jobs-"));
  jobs = new JobStore({ folder, now: () => Date.now() });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a job that cannot be written down is not taken for one that runs, and may be begun again", async () => {
  // A file where the job's folder has to be.
  writeFileSync(join(folder, environmentId), "");
  const begin = { id: "clone-1", environmentId, kind: "clone" as const, work: async () => undefined };
  await expect(jobs.start(begin)).rejects.toThrow();
  expect(jobs.newest(environmentId)).toEqual([]);
  rmSync(join(folder, environmentId));
  expect(await jobs.start(begin)).toMatchObject({ id: "clone-1" });
});

test("what is being removed has no jobs, and no id leads out of the folder", async () => {
  const running = { state: "running", attempts: 9, environmentId, id: "clone-1", kind: "clone", startedAtMs: 0 };
  mkdirSync(join(folder, `.removed-${environmentId}`, "jobs", "clone-1"), { recursive: true });
  const recordPath = join(folder, `.removed-${environmentId}`, "jobs", "clone-1", "job.json");
  writeFileSync(recordPath, JSON.stringify(running));
  await jobs.load();
  expect(jobs.newest(environmentId)).toEqual([]);
  // A job that ended too often is written down as failed; this one is nobody's.
  expect(JSON.parse(readFileSync(recordPath, "utf8"))).toEqual(running);
  const begin = { id: "clone-1", environmentId: "..", kind: "clone" as const, work: async () => undefined };
  await expect(jobs.start(begin)).rejects.toThrow("letters");
});

test("whoever follows a log is told of each addition, whoever watches jobs is not", async () => {
  const told: string[] = [];
  jobs.onChange(() => told.push("job"));
  jobs.onLog(() => told.push("log"));
  const ended = new Promise<void>((resolve) => {
    jobs.onChange(() => jobs.get(environmentId, "clone-1")?.state === "succeeded" && resolve());
  });
  await jobs.start({
    id: "clone-1",
    environmentId,
    kind: "clone",
    work: async (context) => {
      // The job is announced first.
      await new Promise<void>((resolve) => setImmediate(resolve));
      context.step("Cloning");
      context.log("a\n");
      context.log("b\n");
    },
  });
  await ended;
  expect(told).toEqual(["job", "job", "log", "log", "job"]);
});

test("a full disk is told as such, whatever found it full", () => {
  expect(jobErrorCode(Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" }))).toBe("data-disk-full");
  expect(jobErrorCode(new JobError("image-not-found", "no such image"))).toBe("image-not-found");
  expect(jobErrorCode(new Error("anything"))).toBe("internal");
});
