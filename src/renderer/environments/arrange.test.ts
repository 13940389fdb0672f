import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { EnvironmentDetailsSchema } from "../../contract/gen/berth/v1/host_pb.js";
import { EnvironmentPhase, EnvironmentSchema } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { type Arrangement, arrange } from "./arrange.ts";
import { rowOf } from "./environment-row.ts";

const { RUNNING, STARTING, STOPPED, STOPPING, DELETED } = EnvironmentPhase;

interface Wanted {
  readonly name: string;
  readonly phase?: EnvironmentPhase;
  readonly wished?: EnvironmentPhase;
  readonly url?: string;
  readonly folder?: string;
  readonly atMs?: number;
  readonly failure?: string;
  readonly changed?: number;
  readonly recovery?: boolean;
  readonly errorCode?: string;
}

function row({ name, phase = RUNNING, wished = RUNNING, url = "https://github.com/acme/app", atMs = 0, ...more }: Wanted) {
  return rowOf({
    id: name,
    environment: create(EnvironmentSchema, {
      id: name,
      metadata: { name, originalContextUrl: url, createdAt: timestampFromMs(atMs) },
      spec: { desiredPhase: wished },
      status: {
        phase,
        failureMessage: more.failure === undefined ? [] : [more.failure],
        content: { git: { branch: "main", totalChangedFiles: more.changed ?? 0 } },
      },
    }),
    details: create(EnvironmentDetailsSchema, {
      machineId: "default",
      sourceFolder: more.folder ?? "",
      recovery: more.recovery ?? false,
      errorCode: more.errorCode ?? "",
    }),
  });
}

const usual: Arrangement = { search: "", filter: "all", groupBy: "none", sortBy: "name" };
const shown = (rows: ReturnType<typeof row>[], arrangement: Partial<Arrangement>) =>
  arrange(rows, { ...usual, ...arrangement }).map((group) => [group.key, ...group.rows.map((r) => r.name)]);

test.each([
  ["running", { phase: RUNNING }],
  ["starting", { phase: STARTING }],
  ["starting", { phase: STOPPED, wished: RUNNING }],
  ["failed", { phase: STOPPED, wished: RUNNING, failure: "clone-failed: x" }],
  ["stopped", { phase: STOPPED, wished: STOPPED }],
  ["stopping", { phase: RUNNING, wished: STOPPED }],
  ["stopping", { phase: STOPPING, wished: STOPPED }],
  ["deleting", { phase: RUNNING, wished: DELETED }],
  ["recovery", { phase: RUNNING, recovery: true, errorCode: "devcontainer-failed" }],
  ["choice", { phase: RUNNING, recovery: true, errorCode: "devcontainer-choice" }],
] as const)("it says %s", (state, wanted) => {
  expect(row({ name: "a", ...wanted }).state).toBe(state);
});

test("pages of one repository are one project; folders are their own", () => {
  const urls = ["https://github.com/acme/app/tree/dev", "https://github.com/acme/app/pull/7", "https://github.com/acme/app.git"];
  expect(new Set(urls.map((url) => row({ name: "a", url }).project))).toEqual(new Set(["github.com/acme/app"]));
  expect(row({ name: "a", url: "berth-folder:/home/me/app", folder: "/home/me/app" })).toMatchObject({
    project: "/home/me/app",
    isFolder: true,
  });
});

test("every word of a search must be somewhere", () => {
  const rows = [row({ name: "api" }), row({ name: "web", url: "https://gitlab.com/acme/web" })];
  expect(shown(rows, { search: "gitlab MAIN" })).toEqual([["", "web"]]);
  expect(shown(rows, { search: "acme" })).toEqual([["", "api", "web"]]);
  expect(shown(rows, { search: "nothing" })).toEqual([]);
});

test("filters keep what they name", () => {
  const rows = [
    row({ name: "runs" }),
    row({ name: "stopped", phase: STOPPED, wished: STOPPED, changed: 2 }),
    row({ name: "failed", phase: STOPPED, failure: "timeout: x" }),
    row({ name: "recovers", recovery: true }),
  ];
  expect(shown(rows, { filter: "running" })).toEqual([["", "recovers", "runs"]]);
  expect(shown(rows, { filter: "stopped" })).toEqual([["", "failed", "stopped"]]);
  expect(shown(rows, { filter: "attention" })).toEqual([["", "failed", "recovers"]]);
  expect(shown(rows, { filter: "unsaved" })).toEqual([["", "stopped"]]);
});

test("orders and groups", () => {
  const rows = [
    row({ name: "b", atMs: 3, url: "https://github.com/z/z" }),
    row({ name: "a", atMs: 1, phase: STOPPED, wished: STOPPED }),
    row({ name: "c", atMs: 2, phase: STOPPED, failure: "timeout: x" }),
  ];
  expect(shown(rows, { sortBy: "created" })).toEqual([["", "b", "c", "a"]]);
  expect(shown(rows, { sortBy: "state" })).toEqual([["", "c", "b", "a"]]);
  expect(shown(rows, { groupBy: "project" })).toEqual([
    ["github.com/acme/app", "a", "c"],
    ["github.com/z/z", "b"],
  ]);
  expect(shown(rows, { groupBy: "state" })).toEqual([
    ["failed", "c"],
    ["running", "b"],
    ["stopped", "a"],
  ]);
  expect(shown(rows, { groupBy: "machine" })).toEqual([["shared", "a", "b", "c"]]);
});
