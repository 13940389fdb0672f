import { toJsonString } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fromConnectError } from "../../../src/contract/connect-error.ts";
import {
  ContextService,
  ListContextsResponseSchema,
  ListRemoteEnvironmentsResponseSchema,
} from "../../../src/contract/gen/berth/v1/context_pb.js";
import { HostSessions, hostTransport } from "../../../src/lib/host-transport.ts";
import { berthPaths } from "../../../src/lib/paths.ts";
import { CliHome } from "../cli-home.ts";
import { PlaneWithEnvironments } from "./plane-with-environments.ts";

/** More than a page of a plane's list. */
const many = 120;

let cli: CliHome;
let plane: PlaneWithEnvironments;
let contexts: Client<typeof ContextService>;

beforeAll(async () => {
  plane = new PlaneWithEnvironments();
  await plane.start();
  await plane.add("alpha\u001B[31m", ...Array.from({ length: many }, (_, n) => `many-${String(n).padStart(3, "0")}`));
  cli = new CliHome();
  contexts = createClient(ContextService, hostTransport(new HostSessions(berthPaths(cli.env).apiSocket)));
});

afterAll(async () => {
  await cli.end();
  await plane.end();
});

async function signIn(...args: readonly string[]) {
  const command = cli.spawn(["context", "sign-in", ...args, "--with-token", "--json"]);
  command.child.stdin?.end(`${plane.admin.token}\n`);
  return command.end();
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "",
    (error: unknown) => fromConnectError(error).code,
  );
}

test("everything on this computer works without a context, and a list of none says that none is needed", async () => {
  const listed = await cli.berth("context", "list");
  expect(listed).toMatchObject({ status: 0, stdout: "" });
  expect(listed.stderr).toContain("none is needed");
  expect((await cli.berth("list", "--context", "none")).status).toBe(3);
  const [made] = await cli.json("create", "https://simulated.test/app.git");
  expect(made).toMatchObject({ name: "app" });
});

test("a plane is added by an https address under a name of its own; other addresses and taken names are refused", async () => {
  expect((await cli.berth("context", "add", "http://plane.example")).status).toBe(2);
  expect((await cli.berth("context", "add", "https://ada:secret@plane.example")).status).toBe(2);
  expect((await cli.berth("context", "add", plane.url, "--name", "../up")).status).toBe(2);
  const [added] = await cli.json("context", "add", plane.url, "--name", "work");
  expect(added).toMatchObject({ name: "work", url: plane.url, state: "signed-out", account: "" });
  const again = await cli.berth("context", "add", "https://other.example", "--name", "Work");
  expect(again.status).toBe(4);
  expect(again.stderr).toContain("The name is taken");
  expect((await cli.json("context", "add", "https://plane.example/some/path"))[0]).toMatchObject({
    name: "plane.example",
    url: "https://plane.example",
  });
  expect((await cli.json("context", "add", "https://plane.example"))[0]).toMatchObject({ name: "plane.example-2" });
  for (const name of ["plane.example", "plane.example-2"]) expect((await cli.berth("context", "remove", name)).status).toBe(0);
  expect((await cli.json("context", "list")).map(({ name }) => name)).toEqual(["work"]);
});

test("who is not signed in sees nothing, and a wrong token signs nobody in", async () => {
  const listed = await cli.berth("list", "--context", "work");
  expect(listed).toMatchObject({ status: 4, stdout: "" });
  expect(listed.stderr).toContain("You are not signed in");
  const command = cli.spawn(["context", "sign-in", "work", "--with-token"]);
  command.child.stdin?.end(`berth_pat_${"A".repeat(43)}\n`);
  expect((await command.end()).status).toBe(4);
  expect(await cli.json("context", "list")).toMatchObject([{ state: "signed-out" }]);
});

test("a token that is asked for at a terminal is not shown, and Ctrl-C ends the question", async () => {
  const command = cli.spawnOnTerminal("context", "sign-in", "work", "--with-token", "--json");
  await command.says("Paste the token");
  command.type(`${plane.admin.token}x\u007F\r`);
  const { status, stdout } = await command.end();
  expect(status).toBe(0);
  expect(stdout).toContain('"state":"signed-in"');
  expect(stdout).not.toContain(plane.admin.token.slice(10, 20));
  await cli.berth("context", "sign-out", "work");

  const question = cli.shellOnTerminal("berth context sign-in work --with-token; echo ended with $?; stty -a");
  await question.says("Paste the token");
  question.type("half a tok\u0003");
  const after = (await question.end()).stdout;
  expect(after).toContain("ended with 130");
  expect(after).not.toContain("half a tok");
  // The terminal shows what is typed again.
  expect(after).toMatch(/\sicanon\s.*\secho\s/s);
});

test("signed in, all environments of all pages are listed, with the organization's name and without signs for terminals", async () => {
  const signedIn = await signIn();
  expect(signedIn.status).toBe(0);
  expect(JSON.parse(signedIn.stdout)).toMatchObject({ state: "signed-in", accountName: "Ada", personalAccessToken: true });
  const rows = await cli.json("list", "--context", "WORK");
  expect(rows).toHaveLength(many + 1);
  expect(rows[0]).toMatchObject({ phase: "running", branch: "main", changed: 2, context: "work", offline: false });
  expect(String(rows[0]?.["name"])).toMatch(/^alpha/);
  expect(JSON.stringify(rows)).not.toContain("\\u001b");
  expect(await cli.json("context", "list")).toMatchObject([{ organizationName: "Example", organization: plane.admin.organizationId }]);
  expect(await cli.json("list")).toMatchObject([{ name: "app" }]);
});

test("a list that cannot be kept is shown with the reason, and the plane is not said to be away", async () => {
  const [{ contextId } = { contextId: "" }] = (await contexts.listContexts({})).contexts;
  const path = join(berthPaths(cli.env).contexts, contextId, "environments.json");
  rmSync(path);
  mkdirSync(join(path, "in-the-way"), { recursive: true });
  const listed = await cli.berth("list", "--context", "work", "--json");
  expect(listed.stdout.trim().split("\n")).toHaveLength(many + 1);
  expect(listed.stderr).toContain("the list could not be kept");
  expect(listed.stderr).not.toContain("offline");
  expect(await cli.json("context", "list")).toMatchObject([{ state: "signed-in", detail: expect.stringContaining("could not be kept") }]);
  rmSync(path, { recursive: true });
  await cli.json("list", "--context", "work");
  expect(await cli.json("context", "list")).toMatchObject([{ state: "signed-in", detail: "" }]);
});

test("while the plane is away the last known list is shown as such, this computer works on, and it heals by itself", async () => {
  await plane.kill();
  const away = await cli.berth("list", "--context", "work", "--json");
  expect(away.status).toBe(0);
  expect(away.stderr).toContain("work is offline");
  const rows = away.stdout
    .trim()
    .split("\n")
    .map((line): Readonly<Record<string, unknown>> => JSON.parse(line));
  expect(rows).toHaveLength(many + 1);
  expect(rows[0]).toMatchObject({ offline: true, knownAt: expect.stringMatching(/^\d{4}-/) });
  expect(await cli.json("context", "list")).toMatchObject([{ state: "offline", accountName: "Ada" }]);
  expect((await cli.berth("stop", "app")).status).toBe(0);

  // The next host knows it too.
  expect((await cli.berth("host", "stop")).status).toBe(0);
  expect(await cli.json("list", "--context", "work")).toHaveLength(many + 1);

  await plane.add("new-meanwhile");
  await plane.startAgain();
  const [{ contextId } = { contextId: "" }] = (await contexts.listContexts({})).contexts;
  // As the window asks, which tries a plane that is away ever less often.
  const polled = async () => (await contexts.listRemoteEnvironments({ contextId, polling: true })).environments.map(({ name }) => name);
  await expect.poll(polled, { timeout: 30_000, interval: 200 }).toContain("new-meanwhile");
  expect(await cli.json("context", "list")).toMatchObject([{ state: "signed-in" }]);
});

test("a context that was never reached says that the plane is away", async () => {
  const { context } = await contexts.addContext({ planeUrl: "http://127.0.0.1:1", name: "nowhere" });
  const contextId = context?.contextId ?? "";
  const steps = contexts.signIn({ contextId, method: { case: "browser", value: {} } });
  expect(await codeOf(steps[Symbol.asyncIterator]().next())).toBe("plane-unreachable");
  expect((await cli.berth("context", "sign-in", "nowhere", "--device")).status).toBe(5);
  await contexts.removeContext({ contextId });
  expect(await codeOf(contexts.signOut({ contextId }))).toBe("context-not-found");
});

test("the token is in a file that is the person's alone, and nowhere else: no log, no answer, no argument", async () => {
  const { token } = plane.admin;
  const files = readdirSync(cli.home, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const holding = files.map((file) => join(file.parentPath, file.name)).filter((path) => readFileSync(path).includes(token));
  expect(holding).toHaveLength(1);
  expect(holding[0]).toMatch(/contexts\/[\w-]+\/sign-in\.json$/);
  expect(statSync(holding[0] ?? "").mode & 0o777).toBe(0o600);
  const [{ contextId } = { contextId: "" }] = (await contexts.listContexts({})).contexts;
  const answers = [
    JSON.stringify(await cli.json("context", "list")),
    JSON.stringify(await cli.json("list", "--context", "work")),
    toJsonString(ListContextsResponseSchema, await contexts.listContexts({})),
    toJsonString(ListRemoteEnvironmentsResponseSchema, await contexts.listRemoteEnvironments({ contextId })),
  ];
  for (const answer of answers) expect(answer).not.toContain(token);
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    let line = "";
    try {
      line = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    } catch {
      // It has ended.
    }
    expect(line).not.toContain(token);
  }
});

test("a token that the plane does not take any more signs out, and what was known goes with it", async () => {
  const [{ contextId } = { contextId: "" }] = (await contexts.listContexts({})).contexts;
  const path = join(cli.home, "contexts", contextId, "sign-in.json");
  expect(readdirSync(join(cli.home, "contexts", contextId))).toContain("environments.json");
  const stored = readFileSync(path, "utf8");
  await cli.berth("host", "stop");
  writeFileSync(path, stored.replaceAll(plane.admin.token, `berth_pat_${"B".repeat(43)}`));
  expect((await cli.berth("list", "--context", "work")).status).toBe(4);
  expect(await cli.json("context", "list")).toMatchObject([{ state: "signed-out", accountName: "" }]);
  expect(readdirSync(join(cli.home, "contexts", contextId))).not.toContain("environments.json");
  expect((await signIn("work")).status).toBe(0);
});

test("signing out says that a personal access token is still valid, and removing forgets everything", async () => {
  expect(await cli.json("list", "--context", "work")).toHaveLength(many + 2);
  const out = await cli.berth("context", "sign-out");
  expect(out.status).toBe(0);
  expect(out.stderr).toContain("The personal access token is valid until");
  const [{ contextId } = { contextId: "" }] = (await contexts.listContexts({})).contexts;
  const kept = readdirSync(join(cli.home, "contexts", contextId));
  for (const name of ["sign-in.json", "environments.json"]) expect(kept).not.toContain(name);
  expect((await cli.berth("list", "--context", "work")).status).toBe(4);
  expect((await signIn()).status).toBe(0);
  expect((await cli.json("context", "remove", "work"))[0]).toMatchObject({ name: "work", removed: true, revoked: false });
  expect(readdirSync(join(cli.home, "contexts"))).toEqual(["contexts.json"]);
  expect(await cli.json("list")).toMatchObject([{ name: "app" }]);
});
