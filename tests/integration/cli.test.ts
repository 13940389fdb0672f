import { existsSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CliHome } from "./cli-home.ts";

let cli: CliHome;

beforeAll(() => {
  cli = new CliHome();
});

afterAll(async () => cli.end());

const simulated = (sentinel: string): string => `https://simulated.test/${sentinel}.git`;
const step = (mark: string, name: string): RegExp => new RegExp(`^${mark} ${name} \\d+\\.\\d s$`, "m");

test("help needs no host", async () => {
  const { status, stdout } = await cli.berth("help");
  expect(status).toBe(0);
  for (const command of ["create", "list", "doctor", "machine", "completion"]) expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, "m"));
  expect(existsSync(cli.home)).toBe(false);
});

test.each([
  [["lst"], "Did you mean"],
  [["show"], "missing required argument 'name'"],
  [["list", "--jsn"], "unknown option"],
  [["completion", "tcsh"], "Allowed choices"],
])("%j is not accepted", async (args, said) => {
  const { status, stderr } = await cli.berth(...args);
  expect(stderr).toContain(said);
  expect(status).toBe(2);
});

test("an address that cannot be one is refused before a host is started", async () => {
  const { status, stderr } = await cli.berth("create", "--", "ext::sh -c id");
  expect(stderr).toContain("not accepted");
  expect(status).toBe(2);
  expect(existsSync(cli.home)).toBe(false);
});

test("creating tells the steps with their times and how to use what was made", async () => {
  const { status, stdout, stderr } = await cli.berth("create", simulated("web"));
  expect(status).toBe(0);
  for (const name of ["Starting the machine", "Cloning the repository", "Building the image"]) expect(stderr).toMatch(step("✓", name));
  expect(stdout).toMatch(/^web is running after /);
  expect(stdout).toContain("ssh web.berth");
  expect(stdout).toMatch(/http:\/\/127\.0\.0\.1:\d+ {2}node/);
});

test("what is made is listed and shown", async () => {
  const { stdout } = await cli.berth("list");
  const [title, line] = stdout.split("\n");
  expect(title).toMatch(/^NAME +PHASE +BRANCH +CHANGED +UNPUSHED +PORTS +MACHINE +SOURCE$/);
  expect(line).toMatch(/^web +running +main +0 +0 +\d+ +shared +simulated.test\/web$/);
  const [row] = await cli.json("list");
  expect(Object.keys(row ?? {})).toEqual(["id", "name", "phase", "branch", "changed", "unpushed", "ports", "source", "machine"]);
  const [port] = await cli.json("ports", "web");
  expect(port).toMatchObject({ containerPort: 3000, process: "node", listening: true });
  const [shown] = await cli.json("show", "web.berth");
  expect(shown).toMatchObject({ ...row, desired: "running", recovery: false, remoteUser: "vscode", sshCommand: "ssh web.berth" });
  expect((await cli.berth("show", "web")).stdout).toMatch(/^work +nothing that is not pushed$/m);
});

test("stopping, starting, restarting and rebuilding tell what happens, and only that", async () => {
  const stopped = await cli.berth("stop", "web");
  expect(stopped.stderr).toMatch(step("✓", "Stopping web"));
  expect(await cli.json("show", "web")).toMatchObject([{ phase: "stopped" }]);
  const started = await cli.berth("start", "web");
  expect(started.stderr).toMatch(step("✓", "Starting the container"));
  expect(started.stderr).not.toContain("Cloning");
  expect(started.stderr).toContain("web is running: ssh web.berth");
  expect((await cli.berth("restart", "web")).stderr).toMatch(/Stopping web[^]*Starting the container/);
  await cli.berth("stop", "web");
  const rebuilt = await cli.json("rebuild", "web");
  expect(rebuilt).toMatchObject([{ name: "web", phase: "running" }]);
});

test("what fails is told with what to do, in words and in JSON", async () => {
  const { status, stdout, stderr } = await cli.berth("create", simulated("fail-clone"), "--json");
  expect(status).toBe(3);
  expect(stderr).toMatch(step("✗", "Cloning the repository"));
  expect(stderr).toContain("The repository was not found: remote: the repository was not found\n  Why: ");
  expect(stderr.trimEnd().split("\n").at(-1)).toContain("berth start fail-clone tries again, berth delete fail-clone removes it");
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: "repository-not-found", detail: "remote: the repository was not found" } });
  // What failed before is not what a new start ends with at once: it is tried again.
  const again = await cli.berth("start", "fail-clone");
  expect(again.stderr).toMatch(step("✗", "Cloning the repository"));
  expect(again.status).toBe(3);
});

test("a recovery container is told and has an exit code of its own", async () => {
  const { status, stdout, stderr } = await cli.berth("create", simulated("fail-build"));
  expect(status).toBe(6);
  expect(stdout).toContain("fail-build is running");
  expect(stderr).toContain("It runs in a recovery container:\nThe dev container could not be built: the Dockerfile's third step failed");
});

test("without waiting, the name is printed and the work goes on", async () => {
  const made = await cli.berth("create", simulated("web"), "--name", "later", "--no-wait");
  expect(made).toMatchObject({ status: 0, stdout: "later\n", stderr: "" });
  await cli.whenShown("later", { phase: "running" });
  expect(await cli.berth("stop", "later", "--no-wait")).toMatchObject({ status: 0, stdout: "", stderr: "" });
  await cli.whenShown("later", { phase: "stopped" });
  expect(await cli.json("delete", "later", "--no-wait")).toMatchObject([{ name: "later", deleted: false }]);
});

test("a name is changed for Berth and ssh alike, and a bad one is refused", async () => {
  await cli.berth("create", simulated("web"), "--name", "old");
  expect(await cli.berth("rename", "old", "new")).toMatchObject({ status: 0, stderr: "It is new now: ssh new.berth\n" });
  expect((await cli.berth("rename", "new", "web")).status).toBe(4);
  expect((await cli.berth("show", "old")).status).toBe(3);
  expect((await cli.berth("rename", "new", "../../x")).status).toBe(2);
});

test("what was not pushed is deleted only by force", async () => {
  await cli.berth("create", simulated("unpushed"));
  await cli.berth("stop", "unpushed");
  const refused = await cli.berth("delete", "unpushed");
  expect(refused.status).toBe(4);
  expect(refused.stderr).toContain("unpushed has 2 changed files and 1 unpushed commit");
  expect(await cli.json("show", "unpushed")).toMatchObject([{ phase: "stopped", changed: 2, unpushed: 1 }]);
  const deleted = await cli.berth("delete", "unpushed", "--force");
  expect(deleted.stderr).toMatch(step("✓", "Deleting unpushed"));
  expect((await cli.berth("show", "unpushed")).status).toBe(3);
});

test("what was changed a moment ago is noticed before it is deleted", async () => {
  await cli.berth("create", simulated("just-edited"));
  expect(await cli.json("show", "just-edited")).toMatchObject([{ phase: "running", changed: 0 }]);
  const refused = await cli.berth("delete", "just-edited");
  expect(refused.stderr).toContain("just-edited has 1 changed file");
  expect(refused.status).toBe(4);
  await cli.whenShown("just-edited", { phase: "running", changed: 1 });
  await cli.berth("delete", "just-edited", "--force");
});

test("what never had a working copy is deleted without force", async () => {
  expect(await cli.json("delete", "fail-clone")).toMatchObject([{ name: "fail-clone", deleted: true }]);
});

test("logs are printed as they are, and as lines in JSON", async () => {
  expect((await cli.berth("logs", "web")).stdout).toMatch(/^Cloning the repository$/m);
  expect(await cli.json("logs", "web")).toContainEqual({ text: "Cloning the repository" });
  expect((await cli.berth("logs", "nothing")).status).toBe(3);
});

test("a command's output, input and exit code are its own", async () => {
  expect((await cli.berth("exec", "web", "--", "echo", "--json")).stdout).toBe("echo --json\n");
  expect((await cli.berth("exec", "web", "exit", "9")).status).toBe(9);
  expect((await cli.berth("exec", "--env", "NOVALUE", "web", "--", "true")).status).toBe(2);
  const misplaced = await cli.berth("exec", "web", "--env", "A=b", "--", "true");
  expect(misplaced.stderr).toContain("'--env' is not a command; options of berth go before the name");
  expect(misplaced.status).toBe(2);
});

test("npm start makes an environment once, and its last line is what one needs to use it", async () => {
  const first = await cli.npmStart(simulated("web"), "--json");
  expect(first.status).toBe(0);
  const line = first.stdout.trimEnd().split("\n").at(-1) ?? "";
  const ready = JSON.parse(line) as Readonly<Record<string, unknown>>;
  expect(Object.keys(ready)).toEqual(["id", "name", "sshCommand", "editorUrl", "urls"]);
  expect(ready["urls"]).toEqual([expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/)]);
  const again = await cli.npmStart(simulated("web"), "--json", "--no-window");
  expect(JSON.parse(again.stdout)).toEqual(ready);
  expect((await cli.npmStart("--what")).status).toBe(2);
});

test("the machine's state is told, and a reset needs every name", async () => {
  expect(await cli.json("machine", "status")).toMatchObject([{ state: "ready", driver: "simulated", accelerator: "simulated" }]);
  expect(await cli.json("machine", "stop")).toMatchObject([{ state: "off" }]);
  expect((await cli.berth("machine", "start")).stderr).toMatch(step("✓", "Starting the machine"));
  const names = (await cli.json("list")).map((row) => String(row["name"]));
  expect(names.length).toBeGreaterThan(1);
  const refused = await cli.berth("machine", "reset", "--confirm", names[0] ?? "");
  expect(refused.status).toBe(4);
  expect(refused.stderr).toContain(`berth machine reset ${names.map((name) => `--confirm ${name}`).join(" ")}`);
  expect(await cli.json("list")).toHaveLength(names.length);
  expect(await cli.json("machine", "reset", ...names.flatMap((name) => ["--confirm", name]))).toEqual([{ removed: names }]);
  expect(await cli.berth("list")).toMatchObject({ status: 0, stdout: "", stderr: expect.stringContaining("berth create") });
});

test("a host that is not there needs no stopping", async () => {
  const [{ pid } = {}] = await cli.json("host", "pid");
  expect(pid).toEqual(expect.any(Number));
  expect(await cli.json("host", "stop")).toEqual([{ stopped: true }]);
  const other = new CliHome();
  expect(await other.berth("host", "stop")).toMatchObject({ status: 0, stderr: "Berth is not running.\n" });
  await other.end();
});

test("the version is printed without a host", async () => {
  const other = new CliHome();
  expect((await other.berth("version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(await other.json("version")).toMatchObject([{ version: expect.any(String), node: process.versions.node }]);
  expect(existsSync(other.home)).toBe(false);
  await other.end();
});

test("a delete that fails says why, and another one tries again", async () => {
  await cli.berth("create", "https://simulated.test/fail-delete.git", "--name", "stuck");
  const failed = await cli.berth("delete", "stuck", "--force");
  expect(failed.status).not.toBe(0);
  expect(failed.stderr).toContain("the working copy was not removed: its disk has errors");
  expect(await cli.berth("delete", "stuck", "--force")).toMatchObject({ status: 0 });
});
