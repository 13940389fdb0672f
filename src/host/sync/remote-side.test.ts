import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  AgentService,
  ApplyChangesResponseSchema,
  ReadFilesResponseSchema,
  ScanFolderResponseSchema,
} from "../../contract/gen/berth/v1/agent_pb.js";
import { FolderSide } from "../../lib/sync/folder-side.ts";
import { RemoteSide } from "./remote-side.ts";
import { SyncBase } from "./sync-base.ts";
import { syncRound } from "./sync-round.ts";

const signal = new AbortController().signal;
const content = Buffer.from("from the machine");
const sha256 = new Uint8Array(Buffer.from("ed4dce02cbf8ca1be57ad62b1a8de2b66ae32fd6bc2b1d3d8fb8f1b42e9c9c3d", "hex"));
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-remote-"));
  mkdirSync(join(folder, "root"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Answer = MessageInitShape<typeof ScanFolderResponseSchema>;
type Entry = NonNullable<Answer["entries"]>[number];

const file = (path: string, more: Partial<{ size: bigint; stamp: string }> = {}): Entry => ({
  path,
  stamp: more.stamp ?? "1",
  entry: { case: "file", value: { size: more.size ?? 3n, sha256, executable: false } },
});
const link = (path: string, target: string): Entry => ({ path, stamp: "1", entry: { case: "link", value: target } });
const folderEntry = (path: string): Entry => ({ path, stamp: "d:1", entry: { case: "folder", value: true } });

/** A machine that says what it likes. */
function machine(answers: readonly Answer[], sent: readonly Uint8Array[] = []): RemoteSide {
  const transport = createRouterTransport(({ rpc }) => {
    rpc(AgentService.method.scanFolder, async function* () {
      for (const answer of answers) yield create(ScanFolderResponseSchema, answer);
    });
    rpc(AgentService.method.readFiles, async function* () {
      for (const data of sent) yield create(ReadFilesResponseSchema, { index: 0, data: new Uint8Array(data) });
    });
    rpc(AgentService.method.applyChanges, async () => create(ApplyChangesResponseSchema, {}));
  });
  return new RemoteSide({ syncId: "s", environmentId: "e", path: "", ignorePatterns: [] }, () => createClient(AgentService, transport));
}

test("names that must not be used here get no further, nor what lies in something that is no folder", async () => {
  const names = [
    "../up",
    "/etc/passwd",
    "a/../../b",
    "a//b",
    "",
    ".",
    "nul\0",
    "back\\slash",
    "line\nbreak",
    "x".repeat(300),
    "d/".repeat(70) + "d",
  ];
  const entries = [
    ...names.map((name) => file(name)),
    file(".git/hooks/pre-commit"),
    folderEntry(".GIT"),
    file(".GIT/config"),
    link("out", "../../etc"),
    link("in", "good"),
    file("in/through-the-link"),
    file("nowhere/file"),
    file("huge", { size: 1n << 60n }),
    file("stampless", { stamp: "" }),
    file("good"),
  ];
  const scan = await machine([{ version: "1", everything: true, entries, complete: true }]).scan(signal);
  expect([...(scan?.entries.keys() ?? [])].sort()).toEqual(["good", "in"]);
  expect(scan?.skipped.get("out")).toBe("link");
  expect(scan?.skipped.get("huge")).toBe("too-large");
});

test("an answer that did not arrive whole, or never ends, is no answer", async () => {
  await expect(machine([{ version: "1", everything: true, entries: [file("a")] }]).scan(signal)).rejects.toThrow("did not tell all");
  const endless = Array.from({ length: 120 }, (_, i) => ({
    version: "1",
    everything: true,
    entries: Array.from({ length: 1000 }, (_, j) => file(`${i}-${j}`)),
  }));
  await expect(machine(endless).scan(signal)).rejects.toThrow("more than");
});

test("a file that is not what was promised is not written", async () => {
  const local = await FolderSide.open({
    root: join(folder, "root"),
    subfolder: "",
    ignorePatterns: [],
    stateFolder: join(folder, "state"),
    now: Date.now,
  });
  const round = async (remote: RemoteSide) =>
    syncRound({
      local,
      remote,
      base: await SyncBase.open("/nonexistent/base.json"),
      foldsNames: false,
      acceptDeletes: false,
      acceptConflicts: false,
      inDoubt: false,
      onUse: () => undefined,
      now: Date.now,
      signal,
    });
  const scan: Answer = { version: "1", everything: true, entries: [file("a", { size: BigInt(content.length) })], complete: true };
  expect((await round(machine([scan], [content]))).problems).toEqual([]);
  await expect(round(machine([scan], [content, content]))).rejects.toThrow("more than it was asked for");
  expect(readdirSync(join(folder, "root"))).toEqual([]);
  local.close();
});
