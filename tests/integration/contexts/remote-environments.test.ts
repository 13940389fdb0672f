import { type Client, createClient } from "@connectrpc/connect";
import { randomUUID } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fromConnectError } from "../../../src/contract/connect-error.ts";
import { ContextService, WaitingChange_Kind as Kind } from "../../../src/contract/gen/berth/v1/context_pb.js";
import { EnvironmentPhase, EnvironmentService } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { HostSessions, hostTransport } from "../../../src/lib/host-transport.ts";
import { berthPaths } from "../../../src/lib/paths.ts";
import { CliHome } from "../cli-home.ts";
import { PlaneWithRunner } from "./plane-with-runner.ts";

const url = "https://simulated.test/web.git";
const at = ["--context", "work"] as const;
const within = { timeout: 60_000, interval: 100 };
/** A plane and a host start anew in it, on a computer that does other work beside. */
const restartLimitMs = 180_000;

let cli: CliHome;
let plane: PlaneWithRunner;
let contexts: Client<typeof ContextService>;
let contextId: string;

beforeAll(async () => {
  plane = new PlaneWithRunner();
  await plane.start();
  cli = new CliHome();
  Object.assign(cli.env, plane.env);
  contexts = createClient(ContextService, hostTransport(new HostSessions(berthPaths(cli.env).apiSocket)));
  await cli.json("context", "add", plane.url, "--name", "work");
  const command = cli.spawn(["context", "sign-in", "work", "--with-token", "--json"]);
  command.child.stdin?.end(`${plane.admin.token}\n`);
  const { status, stdout, stderr } = await command.end();
  expect(stderr).toBe("");
  expect(status).toBe(0);
  contextId = JSON.parse(stdout).id;
});

afterAll(async () => {
  await cli.end();
  await plane.end();
});

const elsewhere = (): Client<typeof EnvironmentService> => plane.client(EnvironmentService);

async function phaseOf(name: string): Promise<EnvironmentPhase | undefined> {
  return (await plane.environment(name)).status?.phase;
}

async function whenPhase(name: string, phase: EnvironmentPhase): Promise<void> {
  await expect.poll(async () => phaseOf(name), within).toBe(phase);
}

/** How the queue stands, without asking the plane. */
async function waiting(): Promise<unknown[]> {
  return (await contexts.listContexts({})).contexts.map(({ waitingChanges }) => waitingChanges);
}

test("an environment is made at the plane on a class of its choice, with its stages told, and runs there", async () => {
  expect((await cli.json("context", "classes")).map(({ name }) => name)).toEqual(expect.arrayContaining(["Large", "Small"]));
  const made = await cli.berth("create", url, ...at, "--class", "large", "--name", "web");
  expect(made.stderr).toContain("✓ ");
  expect(made).toMatchObject({ status: 0, stdout: "web is running at work.\n" });
  expect(await cli.json("list", ...at)).toMatchObject([{ name: "web", phase: "running", desired: "running", waiting: [] }]);
  expect(await cli.json("status", "web", ...at)).toMatchObject([
    { phase: "running", className: "Large", runnerName: "Rack 3", runnerConnected: true, offline: false, failure: [] },
  ]);
  expect(await cli.json("list")).toEqual([]);
});

test("what cannot be is refused with the plane's own words, and the exit codes of the local commands", async () => {
  expect((await cli.berth("create", ".", ...at)).status).toBe(2);
  expect((await cli.berth("create", "nonsense", ...at)).status).toBe(2);
  const unknown = await cli.berth("create", url, ...at, "--class", "huge");
  expect(unknown).toMatchObject({ status: 3 });
  expect(unknown.stderr).toMatch(/there are (Small, Large|Large, Small)/);
  const taken = await cli.berth("create", url, ...at, "--name", "web", "--json");
  expect(taken.status).toBe(4);
  expect(JSON.parse(taken.stdout)).toMatchObject({ error: { code: "name-taken", detail: "there is an environment 'web' already" } });
  expect((await cli.berth("stop", "nobody", ...at)).status).toBe(3);
});

test("a creation that is repeated makes no second environment, also at the same time", async () => {
  const request = { contextId, url, name: "", creationId: randomUUID() };
  const answers = await Promise.all([contexts.createRemoteEnvironment(request), contexts.createRemoteEnvironment(request)]);
  answers.push(await contexts.createRemoteEnvironment(request));
  const [id, ...others] = answers.map(({ environment }) => environment?.environmentId);
  expect(others).toEqual([id, id]);
  expect((await elsewhere().listEnvironments({})).environments).toHaveLength(2);
  expect((await cli.berth("delete", "web-2", ...at)).status).toBe(0);
  expect(await cli.json("list", ...at)).toHaveLength(1);
});

test("it is stopped, renamed and started, and what others do in between is seen by who waits", async () => {
  expect(await cli.json("stop", "web", ...at)).toMatchObject([{ name: "web", phase: "stopped", context: "work" }]);
  expect(await cli.json("rename", "web", "site", ...at)).toMatchObject([{ name: "site" }]);
  expect((await cli.berth("start", "site", ...at)).stderr).toContain("site is running at work.");
  const stopping = cli.spawn(["stop", "site", ...at, "--no-wait", "--json"]);
  expect(JSON.parse((await stopping.end()).stdout)).toMatchObject({ desired: "stopped" });
  await whenPhase("site", EnvironmentPhase.STOPPED);
});

test(
  "while the plane is away changes are kept, shown and taken back, a crash keeps them, and they are told when it is back",
  { timeout: restartLimitMs },
  async () => {
    expect(await cli.json("list", ...at)).toHaveLength(1);
    await plane.kill();
    const kept = await cli.berth("start", "site", ...at, "--json");
    expect(kept.status).toBe(7);
    expect(JSON.parse(kept.stdout)).toMatchObject({ name: "site", waiting: { change: "start", environment: "site" } });
    expect(kept.stderr).toContain("is kept and told when it is back");
    expect((await cli.berth("rename", "site", "page", ...at)).status).toBe(7);
    const listed = await cli.berth("list", ...at);
    expect(listed.stdout).toMatch(/site +stopped +start,rename/);
    expect(listed.stderr).toContain("Waiting for work: start of site");
    const creation = await cli.berth("create", url, ...at);
    expect(creation.status).toBe(5);
    expect(creation.stderr).toContain("The environment was not made");

    const path = join(cli.home, "contexts", contextId, "changes.json");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, "utf8")).not.toContain(plane.admin.token);
    const [pid] = await cli.json("host", "pid");
    process.kill(Number(pid?.["pid"]), "SIGKILL");
    const changes = await cli.json("context", "changes");
    expect(changes).toMatchObject([
      { change: "start", state: "waiting" },
      { change: "rename", newName: "page", state: "waiting" },
    ]);
    expect(await cli.json("context", "take-back", String(changes[1]?.["id"]))).toMatchObject([{ takenBack: true }]);
    expect((await cli.berth("context", "take-back", String(changes[1]?.["id"]))).status).toBe(3);

    // Nobody asks for the list: the host tells by itself.
    await plane.startAgain();
    await expect.poll(waiting, within).toEqual([0]);
    await whenPhase("site", EnvironmentPhase.RUNNING);
  },
);

test("what was changed elsewhere meanwhile counts, and the person is told until it was read", { timeout: restartLimitMs }, async () => {
  expect(await cli.json("list", ...at)).toMatchObject([{ phase: "running" }]);
  await plane.kill();
  expect((await cli.berth("stop", "site", ...at)).status).toBe(7);
  await plane.changeWhileAway("site", ({ metadata }) => void (metadata === undefined || (metadata.name = "mine")));
  await plane.startAgain();
  const listed = await cli.berth("list", ...at);
  expect(listed.stderr).toContain("Not carried out: stop of site; it was changed elsewhere while the plane was away");
  expect(await phaseOf("mine")).toBe(EnvironmentPhase.RUNNING);
  expect(await cli.json("context", "changes", "--clear")).toMatchObject([
    { state: "dropped", reason: "changed-meanwhile", change: "stop" },
  ]);
  expect(await cli.json("context", "changes")).toEqual([]);
});

test("a deletion is asked for again when its environment changed meanwhile", { timeout: restartLimitMs }, async () => {
  const { id: environmentId } = await plane.environment("mine");
  await plane.kill();
  expect((await cli.berth("delete", "mine", ...at)).status).toBe(7);
  expect((await cli.berth("stop", "mine", ...at)).status).toBe(4);
  await plane.changeWhileAway("mine", ({ spec }) => void (spec === undefined || (spec.desiredPhase = EnvironmentPhase.STOPPED)));
  await plane.startAgain();
  const listed = await cli.berth("list", ...at);
  expect(listed.stderr).toContain("Asked again: the delete of mine was not carried out");
  expect((await elsewhere().getEnvironment({ environmentId })).environment?.spec?.desiredPhase).toBe(EnvironmentPhase.STOPPED);
  // The runner may be a while coming back.
  expect(await cli.json("delete", "mine", ...at, "--no-wait")).toMatchObject([{ name: "mine", deleted: false }]);
  expect(await cli.json("context", "changes")).toEqual([]);
  await expect.poll(async () => plane.phases(), within).toEqual({});
});

test("signing out asks about what waits, and takes it along when told to", { timeout: restartLimitMs }, async () => {
  expect((await cli.berth("create", url, ...at, "--name", "last")).status).toBe(0);
  await cli.json("list", ...at);
  await plane.kill();
  expect((await cli.berth("stop", "last", ...at)).status).toBe(7);
  const refused = await cli.berth("context", "sign-out", "work");
  expect(refused.status).toBe(4);
  expect(refused.stderr).toContain("There are changes that the plane has not been told yet");
  expect((await cli.berth("context", "remove", "work")).status).toBe(4);
  expect((await cli.berth("context", "sign-out", "work", "--discard-changes")).status).toBe(0);
  await plane.startAgain();
  const command = cli.spawn(["context", "sign-in", "work", "--with-token"]);
  command.child.stdin?.end(`${plane.admin.token}\n`);
  expect((await command.end()).status).toBe(0);
  expect(await cli.json("list", ...at)).toMatchObject([{ name: "last", desired: "running", waiting: [] }]);
});

test("whoever watches sees an environment change, a plane go and come back, and the end", { timeout: restartLimitMs }, async () => {
  const { id: environmentId } = await plane.environment("last");
  const seen: string[] = [];
  const watched = (async () => {
    for await (const { seen: now } of contexts.watchRemoteEnvironment({ contextId, environmentId })) {
      if (now.case === "details") seen.push(EnvironmentPhase[now.value.environment?.phase ?? 0] ?? "");
      else seen.push(now.case ?? "");
    }
  })();
  await expect.poll(() => seen, within).toContain("RUNNING");
  await elsewhere().stopEnvironment({ environmentId });
  // An event tells it: looking again by the clock alone would take longer.
  await expect.poll(() => seen.at(-1), { timeout: 12_000 }).toBe("STOPPED");
  await plane.kill();
  await expect.poll(() => seen, within).toContain("offline");
  await plane.startAgain();
  await expect.poll(() => seen.at(-1), within).toBe("STOPPED");
  await contexts.changeRemoteEnvironment({ contextId, environmentId, kind: Kind.DELETE, acceptLoss: true });
  await watched;
  expect(seen.at(-1)).toBe("gone");
  const gone = await contexts.getRemoteEnvironment({ contextId, environmentId }).catch((error: unknown) => fromConnectError(error).code);
  expect(gone).toBe("environment-not-found");
});
