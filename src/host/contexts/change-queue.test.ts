import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createRouterTransport } from "@connectrpc/connect";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BerthError } from "../../contract/berth-error.ts";
import { toConnectError } from "../../contract/connect-error.ts";
import { ContextSchema } from "../../contract/gen/berth/v1/context_pb.js";
import { type Environment, EnvironmentPhase, EnvironmentSchema, EnvironmentService } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { silentLog } from "../../lib/log.ts";
import { ChangeQueue } from "./change-queue.ts";
import type { ChangeKind } from "./change-rule.ts";
import { KnownEnvironments, knownResponse } from "./known-environments.ts";
import { remoteEnvironment } from "./list-environments.ts";
import { RemoteEnvironments } from "./remote-environments.ts";
import { WaitingChanges } from "./waiting-changes.ts";

const { RUNNING, STOPPED, DELETED } = EnvironmentPhase;
const ada = { organizationId: "org", accountId: "ada" };
const bob = { organizationId: "org", accountId: "bob" };
const patience = { signal: new AbortController().signal, limit: new AbortController().signal };

let folder: string;
let plane: Plane;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-changes-"));
  plane = new Plane();
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What a plane does with wishes, as far as this side can see it. */
class Plane {
  readonly environments = new Map<string, Environment>();
  readonly told: string[] = [];
  isAway = false;
  /** What it says to the next wish, or what happens to it on the way back. */
  refusal: Error | undefined;
  answersGetLost = false;
  /** What happens meanwhile. */
  onLook: (id: string) => Promise<unknown> = async () => undefined;
  onTell: () => Promise<unknown> = async () => undefined;

  constructor() {
    for (const name of ["one", "two"]) this.add(name);
  }

  add(name: string): void {
    const spec = { specVersion: 1n, desiredPhase: RUNNING };
    const status = { phase: RUNNING, content: { git: { totalChangedFiles: 0 } } };
    this.environments.set(name, create(EnvironmentSchema, { id: name, metadata: { name }, spec, status }));
  }

  /** As anybody changes it. */
  change(id: string, change: (draft: Environment) => void): void {
    const draft = this.#found(id);
    change(draft);
    if (draft.spec !== undefined) draft.spec.specVersion++;
  }

  wish(id: string, desiredPhase: EnvironmentPhase): void {
    this.change(id, ({ spec }) => void (spec === undefined || (spec.desiredPhase = desiredPhase)));
  }

  get transport() {
    return createRouterTransport(({ service }) => {
      service(EnvironmentService, {
        getEnvironment: async ({ environmentId }) => {
          await this.onLook(environmentId);
          return { environment: this.#found(environmentId) };
        },
        startEnvironment: ({ environmentId }) => this.#tell("start", environmentId, () => this.wish(environmentId, RUNNING)),
        stopEnvironment: ({ environmentId }) => this.#tell("stop", environmentId, () => this.wish(environmentId, STOPPED)),
        deleteEnvironment: ({ environmentId }) => this.#tell("delete", environmentId, () => this.wish(environmentId, DELETED)),
        updateEnvironment: ({ environmentId, metadata }) =>
          this.#tell(`rename to ${metadata?.name}`, environmentId, () =>
            this.change(environmentId, (draft) => void (draft.metadata === undefined || (draft.metadata.name = metadata?.name ?? ""))),
          ),
      });
    });
  }

  #found(id: string): Environment {
    if (this.isAway) throw new ConnectError("connect ECONNREFUSED", Code.Unavailable);
    const found = this.environments.get(id);
    if (found === undefined) throw toConnectError(new BerthError("environment-not-found", id));
    return found;
  }

  async #tell(what: string, id: string, change: () => void): Promise<object> {
    await this.onTell();
    this.#found(id);
    const { refusal } = this;
    this.refusal = undefined;
    if (refusal !== undefined) throw refusal;
    this.told.push(`${what} ${id}`);
    change();
    if (this.answersGetLost) throw new ConnectError("socket hang up", Code.Unavailable);
    return {};
  }
}

/** A queue as a host that was started just now has it. */
async function open(): Promise<ChangeQueue> {
  const known = new KnownEnvironments(join(folder, "environments.json"));
  const away = plane.isAway;
  plane.isAway = false;
  if (!away) {
    const context = create(ContextSchema, ada);
    const environments = [...plane.environments.values()].map(remoteEnvironment);
    await known.save(knownResponse({ context, environments, truncated: false, waiting: [], dropped: [] }));
  }
  plane.isAway = away;
  const environments = new RemoteEnvironments({ transport: plane.transport, call: async (make, signal) => make({ signal }) });
  const records = new WaitingChanges(join(folder, "changes.json"), silentLog);
  return new ChangeQueue({ records, environments, known, log: silentLog, now: () => 1000 });
}

async function change(queue: ChangeQueue, kind: ChangeKind, environmentId: string, rest: { newName?: string; acceptLoss?: boolean } = {}) {
  return queue.change(ada, { kind, environmentId, newName: "", acceptLoss: false, ...rest }, patience);
}

async function kindsOf(queue: ChangeQueue): Promise<string[]> {
  return (await queue.of(ada)).waiting.map(({ kind, environmentId }) => `${kind} ${environmentId}`);
}

test("while the plane answers it is told at once, and nothing is kept", async () => {
  const queue = await open();
  const { waiting, environment } = await change(queue, "stop", "one");
  expect(waiting).toBeUndefined();
  expect(environment).toMatchObject({ desiredPhase: STOPPED, specVersion: 2n });
  expect(await queue.of(ada)).toEqual({ waiting: [], dropped: [] });
});

test("what is changed while the plane is away outlives a crash, in a file of the person alone, and is told in order, once each", async () => {
  const before = await open();
  plane.isAway = true;
  expect((await change(before, "stop", "two")).waiting).toMatchObject({ kind: "stop", environmentName: "two" });
  await change(before, "rename", "one", { newName: "uno" });
  await change(before, "stop", "one");
  expect(statSync(join(folder, "changes.json")).mode & 0o777).toBe(0o600);

  const after = await open();
  expect(await kindsOf(after)).toEqual(["stop two", "rename one", "stop one"]);
  await expect(after.tellWaiting(ada, patience.signal)).rejects.toMatchObject({ code: "plane-unreachable" });
  plane.isAway = false;
  await after.tellWaiting(ada, patience.signal);
  await after.tellWaiting(ada, patience.signal);
  expect(plane.told).toEqual(["stop two", "rename to uno one", "stop one"]);
  expect(await after.of(ada)).toEqual({ waiting: [], dropped: [] });
});

test("a later wish takes the place of an earlier one, and a deletion of all; what is to be deleted takes no other", async () => {
  const queue = await open();
  plane.isAway = true;
  await change(queue, "stop", "one");
  await change(queue, "start", "one");
  await change(queue, "rename", "one", { newName: "a" });
  await change(queue, "rename", "one", { newName: "b" });
  expect(await kindsOf(queue)).toEqual(["start one", "rename one"]);
  await change(queue, "delete", "one");
  expect(await kindsOf(queue)).toEqual(["delete one"]);
  await expect(change(queue, "start", "one")).rejects.toMatchObject({ code: "deletion-waiting" });
  await expect(change(queue, "start", "nobody-saw-it")).rejects.toMatchObject({ code: "plane-unreachable" });
});

test("what is changed after a change that was told is not taken for another person's", async () => {
  const queue = await open();
  await change(queue, "stop", "one");
  plane.isAway = true;
  await change(queue, "start", "one");
  plane.isAway = false;
  await queue.tellWaiting(ada, patience.signal);
  expect(plane.told).toEqual(["stop one", "start one"]);
  expect((await queue.of(ada)).dropped).toEqual([]);
});

test("a change whose answer got lost is kept, and not told twice", async () => {
  const queue = await open();
  plane.answersGetLost = true;
  expect((await change(queue, "stop", "one")).waiting).toBeDefined();
  plane.answersGetLost = false;
  await queue.tellWaiting(ada, patience.signal);
  expect(plane.told).toEqual(["stop one"]);
  expect(await queue.of(ada)).toEqual({ waiting: [], dropped: [] });
});

test("what was changed at the plane meanwhile counts, what is gone is nothing to change, and the person learns of both", async () => {
  const queue = await open();
  plane.isAway = true;
  await change(queue, "rename", "one", { newName: "uno" });
  await change(queue, "stop", "two");
  plane.isAway = false;
  plane.change("one", () => undefined);
  plane.environments.delete("two");
  await queue.tellWaiting(ada, patience.signal);
  expect(plane.told).toEqual([]);
  const { waiting, dropped } = await queue.of(ada);
  expect(waiting).toEqual([]);
  expect(dropped).toMatchObject([
    { change: { kind: "rename", environmentId: "one" }, reason: "changed-meanwhile" },
    { change: { kind: "stop", environmentId: "two" }, reason: "gone" },
  ]);
  await queue.forgetDropped(ada, [dropped[0]?.change.id ?? ""]);
  expect((await (await open()).of(ada)).dropped).toHaveLength(1);
});

test("a deletion is not carried out on work that was done meanwhile until it is asked for again", async () => {
  const queue = await open();
  plane.isAway = true;
  await change(queue, "delete", "one");
  plane.isAway = false;
  const content = plane.environments.get("one")?.status?.content;
  if (content?.git !== undefined) content.git.totalChangedFiles = 2;
  await queue.tellWaiting(ada, patience.signal);
  expect(plane.told).toEqual([]);
  expect((await queue.of(ada)).waiting).toMatchObject([{ kind: "delete", needsConfirmation: true }]);
  expect(await queue.hasWork(ada)).toBe(false);
  await queue.tellWaiting(ada, patience.signal);
  await expect(change(queue, "delete", "one")).rejects.toMatchObject({ code: "uncommitted-work", detail: "one has 2 changed files" });
  await change(queue, "delete", "one", { acceptLoss: true });
  expect(plane.told).toEqual(["delete one"]);
  expect(await queue.of(ada)).toEqual({ waiting: [], dropped: [] });
});

test("what the plane refuses is dropped with its words, what it puts off waits, and neither holds up another environment", async () => {
  const queue = await open();
  plane.isAway = true;
  await change(queue, "stop", "one");
  await change(queue, "stop", "two");
  plane.isAway = false;
  plane.refusal = toConnectError(new BerthError("runner-unreachable", "it is being replaced"));
  await queue.tellWaiting(ada, patience.signal);
  expect(plane.told).toEqual(["stop two"]);
  expect(await kindsOf(queue)).toEqual(["stop one"]);
  plane.refusal = toConnectError(new BerthError("not-allowed", "the organization \u001B[31mforbids it"));
  await queue.tellWaiting(ada, patience.signal);
  expect((await queue.of(ada)).dropped).toMatchObject([
    { reason: "refused", errorCode: "not-allowed", detail: "the organization [31mforbids it" },
  ]);
});

test("a change is taken back while its environment is looked at, and not while the plane is told of it", async () => {
  const queue = await open();
  plane.isAway = true;
  const { waiting: first } = await change(queue, "stop", "one");
  const { waiting: second } = await change(queue, "stop", "two");
  await change(queue, "rename", "two", { newName: "zwei" });
  plane.isAway = false;
  const outcomes: string[] = [];
  const takeBack = async (id = ""): Promise<unknown> =>
    queue.takeBack(ada, id).then(
      () => outcomes.push("taken back"),
      (error: unknown) => outcomes.push(error instanceof BerthError ? error.code : String(error)),
    );
  plane.onTell = async () => (plane.told.length === 0 ? takeBack(second?.id) : undefined);
  // The environment of the second is looked at before it is told of, and after it for the sake of the third.
  plane.onLook = async (id) => {
    if (id === "one") await takeBack(first?.id);
    else if (plane.told.length === 1 && outcomes.length === 2) await takeBack(second?.id);
  };
  await queue.tellWaiting(ada, patience.signal);
  expect(outcomes).toEqual(["taken back", "change-being-told", "change-being-told"]);
  expect(plane.told).toEqual(["stop two", "rename to zwei two"]);
  expect(await queue.of(ada)).toEqual({ waiting: [], dropped: [] });
});

test("nobody tells, sees or takes back another person's changes", async () => {
  const queue = await open();
  plane.isAway = true;
  const { waiting } = await change(queue, "stop", "one");
  plane.isAway = false;
  await queue.tellWaiting(bob, patience.signal);
  expect(plane.told).toEqual([]);
  await expect(queue.takeBack(bob, waiting?.id ?? "")).rejects.toMatchObject({ code: "change-not-found" });
  await queue.discard(bob);
  expect(await kindsOf(queue)).toEqual(["stop one"]);
  await queue.takeBack(ada, waiting?.id ?? "");
  await queue.tellWaiting(ada, patience.signal);
  expect(plane.told).toEqual([]);
});

test("a plane that takes the call and says nothing does not keep the person waiting", async () => {
  const queue = await open();
  const silent = new RemoteEnvironments({
    transport: plane.transport,
    call: async (_make, signal) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted")))),
  });
  const known = new KnownEnvironments(join(folder, "environments.json"));
  const records = new WaitingChanges(join(folder, "silent.json"), silentLog);
  const hanging = new ChangeQueue({ records, known, environments: silent, log: silentLog, now: () => 1000 });
  const limit = AbortSignal.timeout(20);
  const wanted = { kind: "stop", environmentId: "one", newName: "", acceptLoss: false } as const;
  expect((await hanging.change(ada, wanted, { ...patience, limit })).waiting).toMatchObject({ kind: "stop" });
  expect(await kindsOf(queue)).toEqual([]);
});

test("as many changes are kept as anybody makes, and a file that cannot be read is put aside", async () => {
  const first = await open();
  plane.isAway = true;
  await change(first, "stop", "one");
  const path = join(folder, "changes.json");
  const file: { version: number; waiting: object[]; dropped: object[] } = JSON.parse(readFileSync(path, "utf8"));
  const waiting = Array.from({ length: 100 }, (_, n) => ({ ...file.waiting[0], id: randomUUID(), environmentId: `many-${n}` }));
  writeFileSync(path, JSON.stringify({ ...file, waiting }));
  await expect(change(await open(), "stop", "one")).rejects.toMatchObject({ code: "change-limit" });
  writeFileSync(path, '{"version":1,"waiting":[{"id":"../etc"}]}');
  expect(await kindsOf(await open())).toEqual([]);
  expect(readFileSync(`${path}.damaged`, "utf8")).toContain("../etc");
});
